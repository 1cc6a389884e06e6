import { generateKeyPairSync } from "node:crypto";
import type { PeerOptions, SecurityOptions } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import {
  collect,
  failureOf,
  nextEvent,
  readData,
  readToEnd,
  readUntil,
} from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, pair } from "../test/paired.js";
import { startClient } from "./client.js";
import { type ClientOptions, resolveClientOptions } from "./client-options.js";

const psk = new Uint8Array(32).fill(1);
const otherPsk = new Uint8Array(32).fill(2);
const [alice, bob] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
const GOLANG: PeerOptions = { security: { wire: "golang-ipc" } };

/** Serves every connection with these options until the test is over; counts them. */
async function serveAll(far: FarServer, options: PeerOptions): Promise<void> {
  for (;;) await far.session(options).catch(() => {});
}

describe("a client reports the proofs of its server", () => {
  it.each<[string, SecurityOptions, SecurityOptions, object]>([
    ["nothing", {}, {}, { psk: false }],
    ["a pre-shared key", { psk }, { psk: [otherPsk, psk] }, { psk: true }],
    [
      "its signature",
      { trustedPeers: [bob.publicKey] },
      { identity: bob.privateKey },
      { psk: false, key: new Uint8Array(bob.publicKey.export({ format: "der", type: "spki" }).subarray(-32)) },
    ],
    [
      "nothing, and has itself signed",
      { identity: alice.privateKey },
      { trustedPeers: [alice.publicKey] },
      { psk: false },
    ],
  ])("%s", async (_what, security, ofServer, peer) => {
    const { client } = await pair({ security }, { security: ofServer });
    expect(client.security).toEqual({ mode: "secure", peer });
  });

  it.each<[string, Partial<ClientOptions>]>([
    ["secure", {}],
    ["secure", { security: { psk } }],
    ["compatible", GOLANG],
    ["plain", { encryption: false }],
  ])("reports the most that it can negotiate, with nothing proved, before it is connected: %s", (mode, options) => {
    expect(resolveClientOptions({ name, ...options }).security).toEqual({ mode, peer: { psk: false } });
  });
});

describe("at the start", () => {
  it("rejects after three attempts when the keys do not match, because one attempt may have met an overloaded server", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory, retryMs: 1, security: { psk } }));
    void serveAll(far, { security: { psk: otherPsk } });
    expect(await failing).toMatchObject({
      code: "IPC_AUTHENTICATION_FAILED",
      message: expect.stringContaining("give both sides the same keys"),
    });
    expect(far.connections).toBe(3);
  });

  it("rejects after one attempt with retry: false when the keys do not match", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory, retry: false, security: { psk } }));
    void serveAll(far, { security: { psk: otherPsk } });
    expect(await failing).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(far.connections).toBe(1);
  });

  it("retries after a failed proof that another failure follows", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const starting = startClient({ name, directory, retryMs: 1, security: { psk } });
    for (let count = 0; count < 3; count++) {
      await far.session({ security: { psk: otherPsk } }).catch(() => {});
      (await far.next()).end(Uint8Array.of(2, 255));
    }
    await far.session({ security: { psk } });
    expect(untilTestEnds(await starting).security.peer).toEqual({ psk: true });
    expect(far.connections).toBe(7);
  });

  it.each<[string, SecurityOptions, PeerOptions, string]>([
    [
      "golang-ipc's protocol only, where a key is configured",
      { psk },
      GOLANG,
      "offers only golang-ipc's protocol, and `security.require` demands",
    ],
    [
      "golang-ipc's protocol only, where `require` is set",
      { require: true },
      GOLANG,
      "offers only golang-ipc's protocol",
    ],
    ["no such key", { psk }, {}, "does not accept a pre-shared key, which `security.require` demands"],
    [
      "a key that the client lacks",
      {},
      { security: { psk } },
      "requires a pre-shared key; give this client the key for it",
    ],
    [
      "a signature that the client cannot check",
      {},
      { security: { identity: bob.privateKey } },
      "requires the server's signature",
    ],
    [
      "nothing for a client that speaks golang-ipc's protocol only",
      { wire: "golang-ipc" },
      { security: { require: true } },
      "rejects golang-ipc's protocol",
    ],
  ])("rejects at once when the server offers %s", async (_what, security, ofServer, message) => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory, retryMs: 1, security }));
    void serveAll(far, ofServer);
    expect(await failing).toMatchObject({
      code: "IPC_SECURITY_REFUSED",
      message: expect.stringContaining(`server \`orders\` ${message}`),
    });
    expect(far.connections).toBe(1);
  });
});

describe("a client that was in a secure session", () => {
  it("rejects less security from a restarted server, and waits for a server that offers as much as before", async () => {
    const { client, session, far } = await pair();
    await readUntil(client, "Connected");
    await session.close();
    const fallen: string[] = [];
    for (let count = 0; count < 3; count++) {
      // It thinks that the client has come, and speaks at once.
      const golang = await far.session(GOLANG);
      await golang.write(1, "not from the one you know").catch(() => {});
      fallen.push(golang.security.mode);
      await readToEnd(golang);
    }
    expect(fallen).toEqual(["compatible", "compatible", "compatible"]);
    expect(client.status).toBe("Reconnecting");
    const secure = await far.session();
    await secure.write(1, "me again");
    expect(await readUntil(client, "me again")).toEqual(["Reconnecting", "Connected", "me again"]);
    expect(client.security.mode).toBe("secure");
  });

  const WHY = "offers only golang-ipc's protocol, and an earlier session was secure";

  it("reports the reason after its only attempt with retry: false", async () => {
    const { client, session, far } = await pair({ retry: false });
    const failed = nextEvent(client, "error");
    await session.close();
    void serveAll(far, GOLANG);
    expect(await failed).toMatchObject({ code: "IPC_SECURITY_REFUSED", message: expect.stringContaining(WHY) });
  });

  it("reports the reason after timeoutMs", async () => {
    const pass = stopClock();
    const { client, session, far } = await pair({ timeoutMs: 60_000 });
    const failed = nextEvent(client, "error");
    const lost = nextEvent(client, "lost");
    await session.close();
    await lost;
    // The pause before it dials again.
    pass(1);
    await readToEnd(await far.session(GOLANG));
    pass(60_000);
    const error = await failed;
    expect(error).toMatchObject({ code: "IPC_TIMED_OUT", message: expect.stringContaining(WHY) });
    expect(error).toMatchObject({ cause: { code: "IPC_SECURITY_REFUSED" } });
  });

  it("rejects a server that has switched encryption off, also when the client did not require encryption", async () => {
    const { client, session, far } = await pair({ encryption: false });
    expect(client.security.mode).toBe("secure");
    await session.close();
    expect(await failureOf(far.session({ encryption: false }))).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining("the peer disconnected or rejected this side"),
    });
    expect(client.status).toBe("Reconnecting");
    await far.session();
    await eventually(() => expect(client.stats.reconnects).toBe(1));
    expect(client.security.mode).toBe("secure");
  });

  it("keeps redialling when the keys no longer match", async () => {
    const { client, session, far } = await pair({ security: { psk } }, { security: { psk } });
    const errors = collect(client, "error");
    await session.close();
    for (let count = 0; count < 4; count++) {
      expect(await failureOf(far.session({ security: { psk: otherPsk } }))).toMatchObject({
        code: "IPC_AUTHENTICATION_FAILED",
      });
    }
    const next = await far.session({ security: { psk: [otherPsk, psk] } });
    await next.write(1, "the old key still fits");
    expect((await readData(client)).text()).toBe("the old key still fits");
    expect(errors).toEqual([]);
  });
});

describe("a client with `require: false` that had proofs of its server", () => {
  const mild = { psk, require: false };
  const security: SecurityOptions = { ...mild, identity: alice.privateKey, trustedPeers: [bob.publicKey] };
  const full: SecurityOptions = { ...mild, identity: bob.privateKey, trustedPeers: [alice.publicKey] };
  const without = (option: keyof SecurityOptions): SecurityOptions =>
    Object.fromEntries(Object.entries(full).filter(([name]) => name !== option));

  it.each<[string, SecurityOptions]>([
    ["a secure session without keys", {}],
    ["the pre-shared key alone", mild],
    ["the signatures alone", without("psk")],
    ["no signature of the server", without("identity")],
    ["no signature of the client", without("trustedPeers")],
  ])("rejects %s when all of them were in an earlier session, and waits for one that has all", async (_what, less) => {
    const { client, session, far } = await pair({ security }, { security: full });
    expect(client.security.peer).toMatchObject({ psk: true, key: expect.any(Uint8Array) });
    await session.close();
    for (let count = 0; count < 2; count++) {
      expect(await failureOf(far.session({ security: less }))).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    }
    expect(client.status).toBe("Reconnecting");
    const next = await far.session({ security: full });
    await next.write(1, "the one you know");
    expect((await readData(client)).text()).toBe("the one you know");
  });

  it("reports IPC_SECURITY_REFUSED, with what is missing, when it dials once", async () => {
    const { client, session, far } = await pair({ security, retry: false }, { security: full });
    const failed = nextEvent(client, "error");
    await session.close();
    void serveAll(far, { security: mild });
    expect(await failed).toMatchObject({
      code: "IPC_SECURITY_REFUSED",
      message: expect.stringContaining(
        "does not accept the server's signature and the client's signature, which an earlier session had",
      ),
    });
  });

  it("accepts more security than before, and from then on no less", async () => {
    const { client, session, far } = await pair({ security }, { security: mild });
    expect(client.security.peer).toEqual({ psk: true });
    await session.close();
    const better = await far.session({ security: full });
    await better.close();
    expect(await failureOf(far.session({ security: mild }))).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
    });
    await far.session({ security: full });
    await eventually(() => expect(client.stats.reconnects).toBe(2));
  });
});

describe("a client that was never in a secure session", () => {
  it("enters a secure session as soon as its server offers one", async () => {
    const { client, session, far } = await pair({}, GOLANG);
    expect(client.security.mode).toBe("compatible");
    await session.close();
    await far.session();
    await eventually(() => expect(client.stats.reconnects).toBe(1));
    expect(client.security.mode).toBe("secure");
  });
});
