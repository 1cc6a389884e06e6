import { memoryPair } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import { RawPeer } from "../../../../internal/testkit/src/raw-peer.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { runHandshake } from "./run-handshake.js";
import { serverHandshake } from "./server-handshake.js";

/** Speaks golang-ipc's protocol and nothing else. */
const GOLANG: Credentials = { ...NO_CREDENTIALS, supportsSecure: false };
const RUN = { timeoutMs: 60_000 };
const OTHER = "this endpoint is kept for a golang-ipc client that redials; an @ipc client requests a new id";

/** Returns how the server's connection is protected, or the error with which it ended the connection. */
async function serve(
  encryption: boolean,
  client: (raw: ReturnType<typeof memoryPair>[0]) => unknown,
): Promise<unknown> {
  const [near, far] = memoryPair();
  const handshake = serverHandshake({ encryption, maxMessageSize: 1_024, golangIpcOnly: true });
  const served = runHandshake(near, handshake, RUN).then(
    ({ result }) => result.codec.security.mode,
    (error: unknown) => error,
  );
  await client(far);
  return served;
}

describe("a server's handshake with golangIpcOnly", () => {
  test.each(["00", "01", "7f", "80", "81", "ff"])(
    "accepts the select 00 and no other, without encryption: %s",
    async (select) => {
      const outcome = await serve(false, async (stream) => {
        const raw = new RawPeer(stream);
        await raw.read(2);
        raw.write(0);
        await raw.read(4 + 48);
        raw.write(Number.parseInt(select, 16));
      });
      if (select === "00") expect(outcome).toBe("plain");
      else
        expect(outcome).toMatchObject({
          code: "IPC_HANDSHAKE_FAILED",
          message: `the client selected 0x${select}, and ${OTHER}`,
        });
    },
  );

  test("accepts an encrypted client that speaks golang-ipc's protocol", async () => {
    const handshake = clientHandshake({ name: "orders", maxMessageSize: 1_024, encryption: true, credentials: GOLANG });
    expect(await serve(true, (stream) => runHandshake(stream, handshake, RUN))).toBe("compatible");
  });

  test("ends the connection of an @ipc client before it believes that it is connected", async () => {
    const handshake = clientHandshake({ name: "orders", maxMessageSize: 1_024, encryption: true });
    const outcome = await serve(true, async (stream) => {
      await expect(runHandshake(stream, handshake, RUN)).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    });
    expect(outcome).toMatchObject({ message: `the client selected 0x80, and ${OTHER}` });
  });
});
