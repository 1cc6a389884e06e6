import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PeerOptions, SecurityOptions } from "@ipc/session";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { collect, failureOf, nextEvent, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { expectService, name, serve } from "../test/served.js";
import { type Server, startServer } from "./server.js";
import type { AuthorizationRequest } from "./server-options.js";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [alice, bob, mallory] = [
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
];
const bytesOf = ({ publicKey }: typeof alice): Uint8Array =>
  new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
const GOLANG: PeerOptions = { security: { wire: "golang-ipc" } };

describe("a server reports the proofs of its client", () => {
  it.each<[string, SecurityOptions, SecurityOptions, object]>([
    ["nothing", {}, {}, { psk: false }],
    ["a pre-shared key, one of several", { psk: [key(1), key(2), key(3)] }, { psk: key(3) }, { psk: true }],
    [
      "its signature, one of several that are trusted",
      { trustedPeers: [alice.publicKey, bob.publicKey] },
      { identity: bob.privateKey },
      { psk: false, key: bytesOf(bob) },
    ],
    ["nothing, and has itself signed", { identity: bob.privateKey }, { trustedPeers: [bob.publicKey] }, { psk: false }],
  ])("%s", async (_what, security, ofClient, peer) => {
    const { server, directory } = await serve({ security });
    expect(server.security).toEqual({ mode: "secure", peer: { psk: false } });
    await openFarClient(directory, name, { security: ofClient });
    await readUntil(server, "Connected");
    expect(server.security).toEqual({ mode: "secure", peer });
  });

  it("reports a golang-ipc client as compatible and anonymous", async () => {
    const { server, directory } = await serve();
    await openFarClient(directory, name, GOLANG);
    await readUntil(server, "Connected");
    expect(server.security).toEqual({ mode: "compatible", peer: { psk: false } });
  });
});

describe("a server rejects", () => {
  it.each<[string, SecurityOptions, PeerOptions, string, string, string]>([
    [
      "another pre-shared key",
      { psk: key(1) },
      { security: { psk: key(2) } },
      "IPC_AUTHENTICATION_FAILED",
      "matches none of the 1 pre-shared keys of this server",
      "IPC_AUTHENTICATION_FAILED",
    ],
    [
      "a signature that it does not trust",
      { trustedPeers: [alice.publicKey] },
      { security: { identity: mallory.privateKey } },
      "IPC_AUTHENTICATION_FAILED",
      "not among the 1 trusted keys",
      "IPC_AUTHENTICATION_FAILED",
    ],
    [
      "a client without the key",
      { psk: key(1) },
      {},
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol, and `security.require` demands a secure session",
      "IPC_SECURITY_REFUSED",
    ],
    [
      "a client that requires more than this server proves",
      {},
      { security: { psk: key(1) } },
      "IPC_HANDSHAKE_FAILED",
      "the peer disconnected or rejected this side",
      "IPC_SECURITY_REFUSED",
    ],
    [
      "golang-ipc's protocol, where it insists",
      { require: true },
      GOLANG,
      "IPC_SECURITY_REFUSED",
      "a client needs @ipc and the keys",
      "IPC_SECURITY_REFUSED",
    ],
  ])(
    "%s, reports the reason, and serves the next client",
    async (_what, security, ofClient, code, message, atClient) => {
      const statuses: string[] = [];
      const { server, directory } = await serve({ security });
      server.on("status", (status) => statuses.push(status));
      const refused = nextEvent(server, "refused");
      expect(await failureOf(openFarClient(directory, name, ofClient))).toMatchObject({ code: atClient });
      expect(await refused).toMatchObject({ code, message: expect.stringContaining(message) });
      // It never counted as a client, so the place stayed free.
      expect(statuses).toEqual([]);
      const right: PeerOptions = security.trustedPeers
        ? { security: { identity: alice.privateKey } }
        : security.psk
          ? { security: { psk: key(1) } }
          : {};
      await expectService({ server, directory }, right);
    },
  );

  it("forty clients with a wrong key at once, while it serves one with the right key", async () => {
    stopClock();
    const { server, directory } = await serve({ security: { psk: key(1) } });
    const refused = collect(server, "refused");
    const wrong = Array.from({ length: 40 }, () =>
      failureOf(openFarClient(directory, name, { security: { psk: key(2) } })),
    );
    await expectService({ server, directory }, { security: { psk: key(1) } });
    for (const { code } of await Promise.all(wrong)) {
      expect(code).toMatch(/^IPC_(AUTHENTICATION_FAILED|SERVER_BUSY|HANDSHAKE_FAILED)$/);
    }
    await eventually(() => expect(refused).toHaveLength(40));
    expect(server.stats.messagesReceived).toBe(1);
  });
});

describe("authorize", () => {
  /** A server whose authorize option waits for the test. */
  async function startAsking(security: SecurityOptions): Promise<{
    readonly server: Server;
    readonly directory: string;
    readonly asked: Promise<AuthorizationRequest>;
    readonly answer: (yes: boolean) => void;
  }> {
    let answer = (_yes: boolean): void => {};
    let ask = (_applicant: AuthorizationRequest): void => {};
    const asked = new Promise<AuthorizationRequest>((resolve) => {
      ask = resolve;
    });
    const answered = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const { server, directory } = await serve({
      security,
      authorize: (request) => {
        ask(request);
        return answered;
      },
    });
    return { server, directory, asked, answer };
  }

  it("is called with the proofs of a client before the client is connected", async () => {
    const security = { psk: key(1), trustedPeers: [alice.publicKey] };
    const { server, directory, asked, answer } = await startAsking(security);
    let isOpen = false;
    const opening = openFarClient(directory, name, { security: { psk: key(1), identity: alice.privateKey } }).then(
      (client) => {
        isOpen = true;
        return client;
      },
    );
    expect(await asked).toEqual({
      security: { mode: "secure", peer: { psk: true, key: bytesOf(alice) } },
      remote: `${directory}/orders.sock`,
    });
    for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
    expect([isOpen, server.status]).toEqual([false, "Listening"]);
    answer(true);
    await opening;
    await readUntil(server, "Connected");
  });

  it("is called for a golang-ipc client after the client has chosen, when the server offers more", async () => {
    const { server, directory, asked, answer } = await startAsking({});
    const client = await openFarClient(directory, name, GOLANG);
    expect((await asked).security).toEqual({ mode: "compatible", peer: { psk: false } });
    expect(server.status).toBe("Listening");
    const refused = nextEvent(server, "refused");
    answer(false);
    expect(await refused).toMatchObject({ code: "IPC_NOT_AUTHORIZED" });
    await readUntil(client, "Disconnected");
  });

  it.each<[string, SecurityOptions, SecurityOptions, string]>([
    ["anonymous", {}, {}, "IPC_HANDSHAKE_FAILED"],
    ["with a key", { psk: key(1) }, { psk: key(1) }, "IPC_AUTHENTICATION_FAILED"],
  ])("rejects a client that is %s, and tells it no more than that", async (_what, security, ofClient, code) => {
    const { server, directory } = await serve({ security, authorize: () => false });
    const refused = nextEvent(server, "refused");
    expect(await failureOf(openFarClient(directory, name, { security: ofClient }))).toMatchObject({ code });
    expect(await refused).toMatchObject({ code: "IPC_NOT_AUTHORIZED" });
    expect(server.status).toBe("Listening");
  });

  it("accepts and rejects clients by their keys", async () => {
    const { server, directory } = await serve({
      security: { trustedPeers: [alice.publicKey, bob.publicKey] },
      authorize: ({ security }) => Buffer.from(security.peer.key ?? []).equals(bytesOf(alice)),
    });
    expect(await failureOf(openFarClient(directory, name, { security: { identity: bob.privateKey } }))).toMatchObject({
      code: "IPC_AUTHENTICATION_FAILED",
    });
    await expectService({ server, directory }, { security: { identity: alice.privateKey } });
  });

  it("is not called for a client that lacks a required proof", async () => {
    const asked: AuthorizationRequest[] = [];
    const { directory } = await serve({
      security: { psk: key(1) },
      authorize: (request) => asked.push(request) > 0,
    });
    for (const options of [{ security: { psk: key(2) } }, {}, GOLANG])
      await failureOf(openFarClient(directory, name, options));
    expect(asked).toEqual([]);
  });
});

describe("a server with a key file", () => {
  it("creates the file before it listens, for its user only, and accepts a client that has read it", async () => {
    const keyFile = join(temporaryDirectory(), "shared.key");
    const { server, directory } = await serve({ security: { keyFile } });
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const psk = new Uint8Array(readFileSync(keyFile));
    expect(psk).toHaveLength(32);
    await expectService({ server, directory }, { security: { psk } });
    expect(await failureOf(openFarClient(directory, name, { security: { psk: key(1) } }))).toMatchObject({
      code: "IPC_AUTHENTICATION_FAILED",
    });
    expect(await failureOf(openFarClient(directory, name))).toMatchObject({ code: "IPC_SECURITY_REFUSED" });
    expect(readdirSync(directory)).toEqual(["orders.sock"]);
  });

  it("reuses the file, and accepts the other configured keys too", async () => {
    const keyFile = join(temporaryDirectory(), "shared.key");
    const first = await serve({ security: { keyFile } });
    const psk = new Uint8Array(readFileSync(keyFile));
    await first.server.close();
    const { server, directory } = await serve({ security: { keyFile, psk: [key(1), key(2), key(3)] } });
    expect(readFileSync(keyFile).equals(psk)).toBe(true);
    for (const each of [psk, key(1), key(3)]) await expectService({ server, directory }, { security: { psk: each } });
  });

  it("creates the file at its default path with `keyFile: true`", async () => {
    const runtime = temporaryDirectory();
    vi.stubEnv("XDG_RUNTIME_DIR", runtime);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { server, directory } = await serve({ security: { keyFile: true } });
    expect(readdirSync(join(runtime, "ipc"))).toEqual(["orders.key"]);
    const psk = new Uint8Array(readFileSync(join(runtime, "ipc", "orders.key")));
    await expectService({ server, directory }, { security: { psk } });
  });

  it("does not start when other users may read the file", async () => {
    const directory = temporaryDirectory();
    const keyFile = join(directory, "shared.key");
    writeFileSync(keyFile, key(1));
    chmodSync(keyFile, 0o640);
    expect(await failureOf(startServer({ name, directory, security: { keyFile } }))).toMatchObject({
      code: "IPC_KEY_FILE_UNTRUSTED",
      message: expect.stringContaining("has mode 0640 instead of 0600"),
    });
    expect(existsSync(join(directory, "orders.sock"))).toBe(false);
  });
});
