import { readFileSync } from "node:fs";
import { type Server, type ServerOptions, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { collect, failureOf, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { findPython, runPython } from "./python-client.js";

const python = await findPython();
const why = "missing" in python ? ` (skipped: ${python.missing})` : "";
const path = "path" in python ? python.path : "";

const psk = Buffer.alloc(32, 7);
const SIZES = [0, 1, 65_536, 262_144, 3_145_728, ...new Array<number>(1_000).fill(64)];

interface Settings {
  readonly name?: string;
  readonly psk?: string;
  readonly golangIpc?: boolean;
  readonly maxMessageSize?: number;
  readonly sizes?: readonly number[];
  /** Waits for the server's end. */
  readonly stays?: boolean;
}

/** Starts a server that echoes. */
async function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = untilTestEnds(await startServer({ name: "orders", directory: temporaryDirectory(), ...options }));
  server.on("message", ({ type, data }) => void server.write(type, data).catch(() => {}));
  return server;
}

/** Runs the Python client at this server. */
async function visit(server: Server, settings: Settings = {}): Promise<Record<string, unknown>> {
  const input = { address: server.address, name: "orders", maxMessageSize: 3_145_728, sizes: SIZES, ...settings };
  return JSON.parse(await runPython(path, "client.py", JSON.stringify(input))) as Record<string, unknown>;
}

describe.skipIf(path === "")(`a client in Python, written from docs/WIRE.md${why},`, () => {
  it("makes the sessions, control frames and key exchanges of the vectors again, byte for byte", async () => {
    const vectors = readFileSync(new URL("../vectors/ipcx-1.json", import.meta.url), "utf8");
    expect(Number(await runPython(path, "vectors.py", vectors))).toBeGreaterThan(200);
  });

  it.each<[string, string, Partial<ServerOptions>, Settings]>([
    ["plain", "by an offer", { encryption: false }, {}],
    ["plain", "by golang-ipc's protocol", { encryption: false }, { golangIpc: true }],
    ["compatible", "as the client wants", {}, { golangIpc: true }],
    ["compatible", "as the server wants", { security: { wire: "golang-ipc" } }, {}],
    ["secure", "without keys", {}, {}],
    ["secure", "with a pre-shared key", { security: { psk } }, { psk: psk.toString("hex") }],
    ["secure", "with one of two", { security: { psk: [Buffer.alloc(32, 8), psk] } }, { psk: psk.toString("hex") }],
  ])("is served in the mode %s, %s", async (mode, _how, options, settings) => {
    const server = await serve(options);
    const [lost, statuses] = [collect(server, "lost"), collect(server, "status")];
    const hasControlFrames = mode !== "compatible" && settings.golangIpc !== true;
    expect(await visit(server, settings)).toEqual({
      mode,
      limit: 3_145_728,
      echoed: SIZES.length,
      pongs: hasControlFrames ? ["00000107"] : [],
    });
    await eventually(() => expect(statuses.at(-1)).toBe("Disconnected"));
    expect(lost).toEqual([]);
  });

  it.each<[string, "close" | "destroy", string, Partial<ServerOptions>, Settings]>([
    ["secure", "close", "IPC_PEER_CLOSED", {}, {}],
    ["secure", "destroy", "IPC_RECORD_TRUNCATED", {}, {}],
    ["plain", "close", "IPC_PEER_CLOSED", { encryption: false }, {}],
    ["plain", "destroy", "IPC_FRAME_TRUNCATED", { encryption: false }, {}],
    ["compatible", "close", "IPC_PEER_CLOSED", {}, { golangIpc: true }],
    ["compatible", "destroy", "IPC_PEER_CLOSED", {}, { golangIpc: true }],
  ])(
    "knows a server that closed from one that is gone, in the mode %s: %s",
    async (mode, end, code, options, settings) => {
      const server = await serve(options);
      const messages = collect(server, "message");
      const visiting = visit(server, { ...settings, sizes: [64], stays: true });
      await eventually(() => expect(messages).toHaveLength(1));
      await server.flush();
      await server[end]();
      expect(await visiting).toMatchObject({ mode, code });
    },
  );

  it("is told apart by its pre-shared key and by the server's name", async () => {
    const server = await serve({ security: { psk } });
    const refused = collect(server, "refused");
    const wrong = { psk: "08".repeat(32) };
    expect(await visit(server, wrong)).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(await visit(server, { psk: psk.toString("hex"), name: "billing" })).toMatchObject({
      code: "IPC_SECURITY_REFUSED",
      message: "the server has another name",
    });
    expect(refused.map(({ code }) => code)).toEqual(["IPC_AUTHENTICATION_FAILED", "IPC_HANDSHAKE_FAILED"]);
  });

  it("gets no message over the limit that it announces", async () => {
    const server = untilTestEnds(await startServer({ name: "orders", directory: temporaryDirectory() }));
    const visiting = visit(server, { maxMessageSize: 2_048, sizes: [64] });
    await readUntil(server, "Connected");
    expect(await failureOf(server.write(1, Buffer.alloc(2_049)))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
    for await (const message of server) {
      if (message.kind !== "data") continue;
      await server.write(message.type, message.data);
      break;
    }
    expect(await visiting).toMatchObject({ echoed: 1 });
  });
});
