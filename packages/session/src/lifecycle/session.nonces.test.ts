import type { CipherGCMTypes, KeyObject } from "node:crypto";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { memoryPair } from "@ipc/transport";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientHandshake } from "../handshake/client-handshake.js";
import { runHandshake } from "../handshake/run-handshake.js";
import { serverHandshake } from "../handshake/server-handshake.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { OptionReader } from "../options/option-reader.js";
import { PEER_OPTIONS, type PeerOptions, resolvePeerOptions } from "../options/peer-options.js";
import { Session } from "./session.js";

/** The module whose functions every import of `node:crypto` is bound to, also in the built packages. */
const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
const real = crypto.createCipheriv;

/** Every key and nonce that something was sealed with, in hex. */
const used: string[] = [];

beforeEach(() => {
  used.length = 0;
  crypto.createCipheriv = ((algorithm: CipherGCMTypes, key: KeyObject, nonce: Uint8Array, options: object) => {
    used.push(`${key.export().toString("hex")} ${Buffer.from(nonce).toString("hex")}`);
    return real(algorithm, key, nonce, options);
  }) as typeof real;
  syncBuiltinESMExports();
});

afterEach(() => {
  crypto.createCipheriv = real;
  syncBuiltinESMExports();
});

const RUN = { timeoutMs: 5_000 };

/** A session on both sides, with new keys before each `rekeyInterval`th record. */
async function open(rekeyInterval: number, credentials: Credentials = NO_CREDENTIALS): Promise<[Session, Session]> {
  const [near, far] = memoryPair();
  const records = { rekeyInterval };
  const [client, server] = await Promise.all([
    runHandshake(
      near,
      clientHandshake({ name: "orders", maxMessageSize: 3_145_728, encryption: true, credentials, records }),
      RUN,
    ),
    runHandshake(far, serverHandshake({ encryption: true, maxMessageSize: 3_145_728, credentials, records }), RUN),
  ]);
  const options = resolvePeerOptions(new OptionReader<PeerOptions>("test", {}, PEER_OPTIONS), "client");
  return [
    new Session(options, { stream: near, outcome: client.result, rest: client.rest, remote: "server" }),
    new Session(options, { stream: far, outcome: server.result, rest: server.rest, remote: "client" }),
  ];
}

/** Sends single messages, batches, large ones and both in turn, and reads them all. */
async function talk(from: Session, to: Session): Promise<void> {
  const lengths = [0, 1, 64, 65_536, 2, 300_000, 65_509, 3];
  for (let round = 0; round < 3; round++) {
    for (const length of lengths) void from.write(1, new Uint8Array(length));
    for (const length of [5, 6, 7]) {
      await from.write(1, new Uint8Array(length));
      await from.flush();
    }
    for (const length of [...lengths, 5, 6, 7]) {
      let message = await to.read();
      while (message.kind === "status") message = await to.read();
      expect(message.data).toHaveLength(length);
    }
  }
}

describe("no key and nonce are used twice", () => {
  test.each([1, 2, 3, 7, 2 ** 20])(
    "in a secure session, both directions together, with new keys before each record number that %i divides",
    async (rekeyInterval) => {
      const [client, server] = await open(rekeyInterval);
      await Promise.all([talk(client, server), talk(server, client)]);
      await Promise.all([client.close(), server.close()]);
      // The limits, and in each direction at least an AUTH, what was said, and a CLOSE.
      expect(used.length).toBeGreaterThan(50);
      expect(new Set(used).size).toBe(used.length);
      const keys = new Set(used.map((pair) => pair.split(" ")[0]));
      if (rekeyInterval === 2 ** 20) expect(keys.size).toBe(3);
      else expect(keys.size).toBeGreaterThan(used.length / rekeyInterval - 3);
    },
  );

  test("in golang-ipc's protocol, where one key serves both directions", async () => {
    const [client, server] = await open(1, { ...NO_CREDENTIALS, supportsSecure: false });
    await Promise.all([talk(client, server), talk(server, client)]);
    await Promise.all([client.close(), server.close()]);
    expect(used.length).toBe(1 + 2 * 3 * 11);
    expect(new Set(used).size).toBe(used.length);
    expect(new Set(used.map((pair) => pair.split(" ")[0])).size).toBe(1);
  });

  test("in one session after another, the same pre-shared key on both sides or none", async () => {
    for (let count = 0; count < 5; count++) {
      for (const psks of [[], [crypto.createSecretKey(new Uint8Array(32))]]) {
        const [client, server] = await open(2, { ...NO_CREDENTIALS, psks });
        await Promise.all([client.write(1, "a"), server.write(1, "b")]);
        await Promise.all([client.close(), server.close()]);
      }
    }
    expect(used.length).toBeGreaterThanOrEqual(10 * 7);
    expect(new Set(used).size).toBe(used.length);
  });
});
