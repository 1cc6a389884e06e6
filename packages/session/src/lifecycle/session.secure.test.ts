import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { memoryPair } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import type { IpcError } from "../errors.js";
import type { SecurityOptions } from "../options/security-options.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

type Options = Omit<SessionOptions, "role">;

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [alice, bob] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
const bytesOf = ({ publicKey }: typeof alice): Uint8Array =>
  new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));

async function open(ofClient: Options, ofServer: Options = ofClient): Promise<[client: Session, server: Session]> {
  const [near, far] = memoryPair();
  return Promise.all([
    openSession(near, { role: "client", ...ofClient }),
    openSession(far, { role: "server", ...ofServer }),
  ]);
}

async function expectConversation(client: Session, server: Session): Promise<void> {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    await from.write(1, "hello");
    for (;;) {
      const message = await to.read();
      if (message.kind === "status") continue;
      expect(message.text()).toBe("hello");
      break;
    }
  }
  await Promise.all([client.close(), server.close()]);
}

describe("security reports on each side the proofs of the other", () => {
  const [ofAlice, ofBob] = [{ key: bytesOf(alice) }, { key: bytesOf(bob) }];

  test.each<[string, SecurityOptions, SecurityOptions, object, object]>([
    ["nothing", {}, {}, { psk: false }, { psk: false }],
    ["nothing, though both insist", { require: true }, { require: true }, { psk: false }, { psk: false }],
    ["a pre-shared key", { psk: key(1) }, { psk: key(1) }, { psk: true }, { psk: true }],
    [
      "a signature of the server",
      { trustedPeers: [bob.publicKey] },
      { identity: bob.privateKey },
      { psk: false, ...ofBob },
      { psk: false },
    ],
    [
      "a signature of the client, one of several that may",
      { identity: alice.privateKey },
      { trustedPeers: [bob.publicKey, alice.publicKey] },
      { psk: false },
      { psk: false, ...ofAlice },
    ],
    [
      "everything",
      { psk: key(1), identity: alice.privateKey, trustedPeers: [bob.publicKey] },
      { psk: key(1), identity: bob.privateKey, trustedPeers: [alice.publicKey] },
      { psk: true, ...ofBob },
      { psk: true, ...ofAlice },
    ],
    [
      "nothing, where only one has a key and does not insist",
      { psk: key(1), require: false },
      {},
      { psk: false },
      { psk: false },
    ],
    [
      "nothing, where the server's key is left unused",
      {},
      { psk: key(1), require: false },
      { psk: false },
      { psk: false },
    ],
    [
      "what both have, where neither side insists",
      { psk: key(1), identity: alice.privateKey, require: false },
      { psk: key(1), identity: bob.privateKey, require: false },
      { psk: true },
      { psk: true },
    ],
  ])("%s", async (_what, ofClient, ofServer, atClient, atServer) => {
    const [client, server] = await open({ security: ofClient }, { security: ofServer });
    expect(client.security).toEqual({ mode: "secure", peer: atClient });
    expect(server.security).toEqual({ mode: "secure", peer: atServer });
    expect([Object.isFrozen(client.security), Object.isFrozen(client.security.peer)]).toEqual([true, true]);
    await expectConversation(client, server);
  });

  test.each<[string, Options, Options]>([
    ["the server", {}, { security: { wire: "golang-ipc" } }],
    ["the client", { security: { wire: "golang-ipc" } }, {}],
    [
      "the server, though the client has a key, and does not insist",
      { security: { psk: key(1), require: false } },
      { security: { wire: "golang-ipc" } },
    ],
    [
      "the client, though the server has a key, and does not insist",
      { security: { wire: "golang-ipc" } },
      { security: { psk: key(1), require: false } },
    ],
  ])("compatible, when %s speaks golang-ipc's protocol only", async (_side, ofClient, ofServer) => {
    const [client, server] = await open(ofClient, ofServer);
    for (const { security } of [client, server]) expect(security).toEqual({ mode: "compatible", peer: { psk: false } });
    await expectConversation(client, server);
  });
});

describe("a pre-shared key can be replaced by a new one", () => {
  test("while the server accepts both, in any order", async () => {
    const keys = [key(1), key(2), key(3), key(4)];
    for (const psk of keys) {
      const [client, server] = await open({ security: { psk } }, { security: { psk: keys } });
      expect(server.security.peer.psk).toBe(true);
      await expectConversation(client, server);
    }
  });

  test("and the server then rejects the old one", async () => {
    const [near, far] = memoryPair();
    const serving = openSession(far, { role: "server", security: { psk: [key(2)] } });
    const dialling = openSession(near, { role: "client", security: { psk: key(1) } });
    await expect(serving).rejects.toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    await expect(dialling).rejects.toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
  });
});

test("openSession rejects a key file, because a stream has no name", async () => {
  for (const role of ["client", "server"] as const) {
    for (const keyFile of [true, "/run/orders.key"]) {
      const [near] = memoryPair();
      const opening = openSession(near, { role, security: { keyFile } });
      await expect(opening).rejects.toThrow(TypeError);
      await expect(opening).rejects.toThrow(
        "openSession: `security.keyFile` is not supported, because a stream has no name",
      );
    }
  }
});

test("a session, its errors and its messages never show keys", async () => {
  const security = { psk: key(0x5a), identity: alice.privateKey, trustedPeers: [alice.publicKey] };
  const options = { security, logger: { debug: keep, info: keep, warn: keep, error: keep } };
  const said: unknown[] = [];
  function keep(...given: unknown[]): void {
    said.push(given);
  }
  const [client, server] = await open(options);
  said.push(client, server, client.security, server.security);
  const [near, far] = memoryPair();
  const failing = [
    openSession(near, { role: "client", ...options }),
    openSession(far, { role: "server", security: { ...security, psk: key(0x5b) } }),
  ];
  for (const failed of await Promise.allSettled(failing)) said.push(failed);
  await Promise.all([client.close(), server.close()]);
  const shown = inspect(said, { depth: 20, showHidden: true, maxArrayLength: null, getters: true });
  const secrets = [key(0x5a), key(0x5b), alice.privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32)];
  for (const secret of secrets) {
    const hex = Buffer.from(secret).toString("hex");
    for (const trace of [
      hex.slice(0, 16),
      hex.slice(0, 16).replace(/../g, "$& ").trim(),
      [...secret].slice(0, 8).join(", "),
    ]) {
      expect(shown).not.toContain(trace);
    }
  }
});

const MODES: readonly [string, Options][] = [
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
];

describe.each(MODES)("%s, a peer that closes", (_mode, options) => {
  test("behind more than a paused reader accepts loses nothing: the reader gets all of it, then an orderly end", async () => {
    const [client, server] = await open(options, { ...options, maxUnreadBytes: 1_024 });
    const lost: IpcError[] = [];
    server.on("lost", (error) => lost.push(error));
    const lengths = [300_000, 5, 300_000, 5, 5];
    for (const length of lengths) void client.write(1, new Uint8Array(length));
    const closed = client.close();
    expect(await server.read()).toMatchObject({ status: "Connected" });
    for (const length of lengths) expect(await server.read()).toMatchObject({ type: 1, data: { length } });
    expect(await server.read()).toMatchObject({ status: "Disconnected" });
    await expect(server.read()).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await closed;
    expect(lost).toEqual([]);
  });

  test("ends orderly also when both sides close at the same time", async () => {
    const [client, server] = await open(options);
    const lost: IpcError[] = [];
    for (const side of [client, server]) side.on("lost", (error) => lost.push(error));
    await Promise.all([client.write(1, "a"), server.write(1, "b")]);
    await Promise.all([client.close(), server.close()]);
    expect([lost, client.status, server.status]).toEqual([[], "Closed", "Closed"]);
  });
});
