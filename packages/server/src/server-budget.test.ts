import { once } from "node:events";
import { connect } from "node:net";
import { memory } from "@ipc/transport";
import { expect, it } from "vitest";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { type Server, startServer } from "./server.js";

const HELLO_BYTES = 2;
/** The length, and P with its offer. */
const LIMITS_BYTES = 4 + 48;
const OK = Uint8Array.of(0);
const EMPTY_MESSAGE = [0, 0, 0, 4, 0, 0, 0, 7];
const BURST = Buffer.from(Array.from({ length: 8_000 }, () => EMPTY_MESSAGE).flat());

/** Connects, sends 8 000 empty messages in one chunk with the last reply, and ends. */
async function attack(server: Server): Promise<void> {
  const socket = connect(server.address);
  let received = 0;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    if (received === 0) socket.write(OK);
    received += chunk.length;
    if (received === HELLO_BYTES + LIMITS_BYTES) socket.end(Buffer.concat([OK, BURST]));
  });
  await once(socket, "close");
}

it("never exceeds its unread budget when one unread connection follows another", async () => {
  // A connection decodes its chunk, and sees its end, in one macrotask.
  stopClock();
  const directory = temporaryDirectory();
  const server = await startServer({ name: "budget", directory, encryption: false, maxUnreadBytes: 16_384 });
  for (let count = 0; count < 20; count++) await attack(server);
  expect(server.stats.reconnects).toBeGreaterThan(0);
  expect(server.stats.unreadBytes).toBeLessThan(16_384 + 262_144 + 160);
  server.destroy();
});

it("closes within its time limit when a transport's listener never closes", async () => {
  const transport = memory();
  const server = await startServer({
    name: "stuck",
    transport: {
      ...transport,
      listen: async (...args) => ({ ...(await transport.listen(...args)), close: () => new Promise(() => {}) }),
    },
  });
  await server.close({ timeoutMs: 10 });
  expect(server.status).toBe("Closed");
});

it("serves the next client after any amount of invalid bytes behind a handshake", async () => {
  const directory = temporaryDirectory();
  const server = await startServer({ name: "nonsense", directory, encryption: false });
  const lost: string[] = [];
  server.on("lost", (error) => lost.push(error.code));
  for (let count = 0; count < 5; count++) {
    const socket = connect(server.address);
    socket.on("error", () => {});
    socket.write(Buffer.concat([OK, OK, Buffer.alloc(300_000, 0xff)]));
    // The reset that it gets is an 'error' first, so `once` of events would reject.
    await new Promise((resolve) => socket.once("close", resolve));
  }
  expect(lost).toEqual(new Array(5).fill("IPC_FRAME_TOO_LARGE"));
  await attack(server);
  expect(server.stats.reconnects).toBe(5);
  server.destroy();
});
