import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Impersonator, type ImpersonatorOptions } from "../../test/impersonator.js";
import type { IpcError } from "../errors.js";
import { hashServerName } from "../negotiation/server-name.js";
import type { SecurityOptions } from "../options/security-options.js";
import { openSession, type Session } from "./session.js";

const psk = new Uint8Array(32).fill(7);
const guessed = new Uint8Array(32).fill(8);
const [alice, bob, mallory] = [
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
];

/** Takes the offer out of the limits. */
const strip = (plaintext: Buffer): Buffer => plaintext.subarray(0, 4);

interface Outcome {
  readonly man: Impersonator;
  readonly client: Session | IpcError;
  readonly server: Session | IpcError;
}

/** Opens a session on both sides, with a man in the middle that makes an exchange of its own with each. */
async function meet(
  ofClient: SecurityOptions,
  ofServer: SecurityOptions,
  options: ImpersonatorOptions,
  serverName = "orders",
): Promise<Outcome> {
  const man = new Impersonator(options);
  void man.work();
  const outcome = (opening: Promise<Session>): Promise<Session | IpcError> => opening.catch((error: IpcError) => error);
  const [client, server] = await Promise.all([
    outcome(openSession(man.client, { role: "client", name: "orders", security: ofClient })),
    outcome(openSession(man.server, { role: "server", name: serverName, security: ofServer })),
  ]);
  return { man, client, server };
}

/** Returns the message that the server gets when the client writes one, and how they are connected. */
async function send({ client, server }: Outcome): Promise<{ modes: string[]; text: string }> {
  if (client instanceof Error) throw client;
  if (server instanceof Error) throw server;
  const received = new Promise<string>((resolve) => server.once("message", (message) => resolve(message.text())));
  await client.write(1, "a secret");
  const text = await received;
  client.destroy();
  server.destroy();
  return { modes: [client.security.mode, server.security.mode], text };
}

function leave({ client, server }: Outcome): void {
  for (const side of [client, server]) if (!(side instanceof Error)) side.destroy();
}

/** An offer after its modes: the feature 01, the server's name, and an instance of zero bytes. */
const BEHIND = `00010000${Buffer.from(hashServerName("orders")).toString("hex")}${"00".repeat(16)}`;
const NAMELESS = `00010000${"00".repeat(32)}`;

const refusal = (code: string, message: string): object => ({ code, message: expect.stringContaining(message) });
const OFFER_REMOVED = "a man in the middle removed the offer";

describe("a man in the middle with an exchange of its own that takes the offer out", () => {
  test("reads everything when neither side requires more, because both fall back to golang-ipc's protocol", async () => {
    const outcome = await meet({}, {}, { limits: strip });
    const { modes, text } = await send(outcome);
    expect({ modes, text }).toEqual({ modes: ["compatible", "compatible"], text: "a secret" });
    expect(Buffer.concat(outcome.man.read).toString()).toContain("a secret");
  });

  test("reads everything when both have a key and `require: false`", async () => {
    const outcome = await meet({ psk, require: false }, { psk, require: false }, { limits: strip });
    expect((await send(outcome)).modes).toEqual(["compatible", "compatible"]);
  });

  test.each([
    ["with a key", { psk }],
    ["without one", { require: true }],
  ])("is rejected by a client that requires security, %s, before a message is sent", async (_what, security) => {
    const outcome = await meet(security, { ...security, require: false }, { limits: strip });
    expect(outcome.client).toMatchObject(refusal("IPC_SECURITY_REFUSED", OFFER_REMOVED));
    expect(outcome.man.read).toEqual([]);
    leave(outcome);
  });

  test.each([
    ["with a key", { psk }],
    ["without one", { require: true }],
  ])("makes the server that requires security, %s, reject the deceived client", async (_what, security) => {
    const outcome = await meet({ ...security, require: false }, security, { limits: strip });
    expect(outcome.server).toMatchObject(
      refusal("IPC_SECURITY_REFUSED", "client rejected: it selected golang-ipc's protocol"),
    );
    expect(outcome.man.read).toEqual([]);
    leave(outcome);
  });
});

describe("a man in the middle with an exchange of its own that changes the offer", () => {
  test.each([
    ["takes out what is accepted", { psk }, { psk }, `003000004950435801000000${BEHIND}`, "IPC_SECURITY_REFUSED"],
    ["takes out what is required", { psk }, { psk }, `003000004950435801010000${BEHIND}`, "IPC_AUTHENTICATION_FAILED"],
    ["takes out the name", { psk }, { psk }, `003000004950435801018100${NAMELESS}`, "IPC_SECURITY_REFUSED"],
    ["adds what the server cannot do", { psk }, {}, `003000004950435801010000${BEHIND}`, "IPC_AUTHENTICATION_FAILED"],
  ])("and %s: the client rejects the server", async (_what, ofClient, ofServer, limits, code) => {
    const outcome = await meet(ofClient, ofServer, { limits: () => Buffer.from(limits, "hex") });
    expect(outcome.client).toMatchObject({ code });
    expect(outcome.server).toMatchObject({ code: expect.stringMatching(/^IPC_/) });
    expect(outcome.man.read).toEqual([]);
  });
});

describe("a man in the middle that leads a client of `orders` to the server `billing` with the same key", () => {
  const rename = (plaintext: Buffer): Buffer =>
    Buffer.concat([plaintext.subarray(0, 16), hashServerName("orders"), plaintext.subarray(32)]);

  test.each([
    ["and passes its name on: the client refuses it by its name", {}, "IPC_SECURITY_REFUSED"],
    ["and puts `orders` in its place: the AUTHs do not match", { limits: rename }, "IPC_AUTHENTICATION_FAILED"],
  ])("%s", async (_what, options, code) => {
    const outcome = await meet({ psk }, { psk }, options, "billing");
    expect(outcome.client).toMatchObject({ code });
    expect(outcome.server).toMatchObject({ code: expect.stringMatching(/^IPC_/) });
    expect(outcome.man.read).toEqual([]);
  });

  test("is successful without keys, or when it knows the key", async () => {
    for (const [security, options] of [
      [{}, { limits: rename }],
      [{ psk }, { limits: rename, psk }],
    ] as const) {
      expect((await send(await meet(security, security, options, "billing"))).text).toBe("a secret");
    }
  });
});

describe("a man in the middle with an exchange of its own that keeps the offer (golang-ipc: row 17)", () => {
  test("is accepted as each side's peer when neither has a key, because both are anonymous", async () => {
    for (const security of [{}, { require: true }]) {
      const outcome = await meet(security, security, {});
      const { modes, text } = await send(outcome);
      expect({ modes, text }).toEqual({ modes: ["secure", "secure"], text: "a secret" });
      expect(Buffer.concat(outcome.man.read).toString()).toContain("a secret");
    }
  });

  test.each<[string, ImpersonatorOptions]>([
    ["does not know", {}],
    ["has guessed wrong", { psk: guessed }],
  ])("is rejected by both when they have a pre-shared key that it %s", async (_what, options) => {
    const outcome = await meet({ psk }, { psk }, options);
    expect(outcome.client).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "invalid tag"));
    expect(outcome.server).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "matches none of the 1 pre-shared keys"));
    expect(outcome.man.read).toEqual([]);
  });

  test("is rejected by both when it passes their signatures on, because those belong to another handshake", async () => {
    const ofClient = { identity: alice.privateKey, trustedPeers: [bob.publicKey] };
    const ofServer = { identity: bob.privateKey, trustedPeers: [alice.publicKey] };
    const outcome = await meet(ofClient, ofServer, { passesIdsOn: true });
    expect(outcome.server).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "invalid client signature"));
    expect(outcome.client).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(outcome.man.read).toEqual([]);
  });

  test("is rejected by both when it signs itself, because its key is not trusted", async () => {
    const ofClient = { identity: alice.privateKey, trustedPeers: [bob.publicKey] };
    const ofServer = { identity: bob.privateKey, trustedPeers: [alice.publicKey] };
    const outcome = await meet(ofClient, ofServer, { identity: mallory.privateKey });
    expect(outcome.server).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "not among the 1 trusted keys"));
    expect(outcome.client).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "not among the 1 trusted keys"));
  });

  test("is rejected by the client when the server signs and its signature is passed on", async () => {
    const outcome = await meet({ trustedPeers: [bob.publicKey] }, { identity: bob.privateKey }, { passesIdsOn: true });
    expect(outcome.client).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "invalid server signature"));
    expect(outcome.man.read).toEqual([]);
    leave(outcome);
  });

  test("is rejected by the server when the client signs and its signature is passed on", async () => {
    const outcome = await meet(
      { identity: alice.privateKey },
      { trustedPeers: [alice.publicKey] },
      { passesIdsOn: true },
    );
    expect(outcome.server).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "invalid client signature"));
    expect(outcome.client).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(outcome.man.read).toEqual([]);
    leave(outcome);
  });

  test("is rejected by both when it knows the pre-shared key and both sign too", async () => {
    const ofClient = { psk, identity: alice.privateKey, trustedPeers: [bob.publicKey] };
    const ofServer = { psk, identity: bob.privateKey, trustedPeers: [alice.publicKey] };
    const outcome = await meet(ofClient, ofServer, { psk, passesIdsOn: true });
    expect(outcome.server).toMatchObject(refusal("IPC_AUTHENTICATION_FAILED", "invalid client signature"));
    expect(outcome.client).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(outcome.man.read).toEqual([]);
  });
});
