import { generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { ManInTheMiddle, type Rewrites } from "../../test/man-in-the-middle.js";
import type { IpcError } from "../errors.js";
import type { SecurityOptions } from "../options/security-options.js";
import { openSession, type Session } from "./session.js";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [alice, bob, mallory] = [
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ed25519"),
];
type Outcome = Session | IpcError;

const SELECT_BYTES = 9;
const HEADER_BYTES = 4;

// Many handshakes take as long as the machine needs.
beforeEach(() => void stopClock());

/** Opens a session on both sides, with a man in the middle; gives what each side gets. */
async function meet(
  ofClient: SecurityOptions,
  ofServer: SecurityOptions,
  rewrites: Rewrites = {},
): Promise<{ client: Outcome; server: Outcome; man: ManInTheMiddle }> {
  const man = new ManInTheMiddle(rewrites);
  const outcome = (opening: Promise<Session>): Promise<Outcome> => opening.catch((error: IpcError) => error);
  const [client, server] = await Promise.all([
    outcome(openSession(man.client, { role: "client", name: "orders", security: ofClient })),
    outcome(openSession(man.server, { role: "server", name: "orders", security: ofServer })),
  ]);
  for (const side of [client, server]) if (!(side instanceof Error)) side.destroy();
  return { client, server, man };
}

const failure = (code: string, message: string): object => ({ code, message: expect.stringContaining(message) });

describe("keys that do not match fail both sides, and each reports its own reason:", () => {
  test.each([
    ["another pre-shared key", { psk: key(1) }, { psk: key(2) }, "matches none of the 1 pre-shared keys"],
    [
      "none of several",
      { psk: key(1) },
      { psk: [key(2), key(3), key(4), key(5)] },
      "matches none of the 4 pre-shared keys",
    ],
    [
      "a client's key that is not trusted",
      { identity: mallory.privateKey },
      { trustedPeers: [alice.publicKey] },
      "client key not trusted: not among the 1 trusted keys",
    ],
    [
      "a client's key that is not trusted, the pre-shared key right",
      { identity: mallory.privateKey, psk: key(1) },
      { trustedPeers: [alice.publicKey, bob.publicKey], psk: key(1) },
      "not among the 2 trusted keys",
    ],
  ])("%s", async (_what, ofClient, ofServer, message) => {
    const { client, server, man } = await meet(ofClient, ofServer);
    expect(client).toMatchObject(
      failure("IPC_AUTHENTICATION_FAILED", "the server ended the connection after this client's AUTH with"),
    );
    expect(server).toMatchObject(failure("IPC_AUTHENTICATION_FAILED", message));
    // Not even its own AUTH: the server sends nothing to a client that it does not trust.
    expect(man.heard.server).toHaveLength(3);
    for (const stream of [man.client, man.server]) expect(stream.destroyed || stream.writableEnded).toBe(true);
  });

  test("a server's key that is not trusted: the client reports it, and the server reports a disconnection", async () => {
    const man = new ManInTheMiddle();
    const opening = openSession(man.client, {
      role: "client",
      security: { trustedPeers: [alice.publicKey] },
    });
    const server = await openSession(man.server, { role: "server", security: { identity: mallory.privateKey } });
    const lost = new Promise<IpcError>((resolve) => server.once("lost", resolve));
    await expect(opening).rejects.toMatchObject(
      failure("IPC_AUTHENTICATION_FAILED", "server key not trusted: not among the 1 trusted keys"),
    );
    expect((await lost).code).toBe("IPC_CONNECTION_LOST");
    expect(man.heard.client).toHaveLength(3);
  });

  test.each([
    [
      "a client without any, where the server insists",
      {},
      { psk: key(1) },
      "requires a pre-shared key; give this client the key for it",
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol",
    ],
    [
      "a server without any, where the client insists",
      { psk: key(1) },
      {},
      "does not accept a pre-shared key, which `security.require` demands",
      "IPC_HANDSHAKE_FAILED",
      "0 of 1 bytes of the client's reply to the limits",
    ],
    [
      "keys of different kinds",
      { identity: alice.privateKey },
      { psk: key(1) },
      "does not accept the client's signature",
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol",
    ],
    [
      "a client without one of two",
      { psk: key(1) },
      { psk: key(1), trustedPeers: [alice.publicKey] },
      "requires the client's signature",
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol",
    ],
  ])("%s", async (_what, ofClient, ofServer, atClient, code, atServer) => {
    const { client, server } = await meet(ofClient, ofServer);
    expect(client).toMatchObject(failure("IPC_SECURITY_REFUSED", `server \`orders\` ${atClient}`));
    expect(server).toMatchObject(failure(code, atServer));
  });
});

describe("a man in the middle that changes a byte of the AUTHs fails both sides:", () => {
  const flip = (item: Buffer, at: number): Buffer => {
    const altered = Buffer.from(item);
    altered[at] = (altered[at] as number) ^ 0x01;
    return altered;
  };
  const BROKEN = /^IPC_(AUTHENTICATION_FAILED|RECORD_INVALID|HANDSHAKE_FAILED|SECURITY_REFUSED)$/;
  const REST_BYTES = 512;

  /** All in front of the body, and some of it: that no byte of it may change is what the tests of @ipc/crypto show. */
  const places = (length: number, front: number): number[] =>
    Array.from({ length }, (_, at) => at).filter((at) => at < front || (length - 1 - at) % 16 === 0);

  test.each([
    ["a pre-shared key", { psk: key(1) }, { psk: key(1) }, SELECT_BYTES + 52],
    ["no keys at all", {}, {}, SELECT_BYTES + 52],
    ["a client's signature", { identity: alice.privateKey }, { trustedPeers: [alice.publicKey] }, SELECT_BYTES + 148],
  ])("the client's, with %s", async (_what, ofClient, ofServer, length) => {
    const flipped = async (at: number): Promise<void> => {
      const { client, server, man } = await meet(ofClient, ofServer, {
        toServer: (item, index) => {
          if (index !== 2) return item;
          expect(item).toHaveLength(length);
          // A longer length gets its bytes.
          return Buffer.concat([flip(item, at), Buffer.alloc(REST_BYTES)]);
        },
      });
      expect((server as IpcError).code).toMatch(BROKEN);
      if (at >= SELECT_BYTES + HEADER_BYTES) expect((server as IpcError).code).toBe("IPC_AUTHENTICATION_FAILED");
      expect((client as IpcError).code).toMatch(/^IPC_(AUTHENTICATION_FAILED|HANDSHAKE_FAILED)$/);
      expect(man.heard.server).toHaveLength(3);
    };
    await Promise.all(places(length, SELECT_BYTES + HEADER_BYTES).map(flipped));
  });

  test.each([
    ["a pre-shared key", { psk: key(1) }, { psk: key(1) }, 52],
    ["no keys at all", {}, {}, 52],
    ["a server's signature", { trustedPeers: [bob.publicKey] }, { identity: bob.privateKey }, 148],
  ])("the server's, with %s", async (_what, ofClient, ofServer, length) => {
    const flipped = async (at: number): Promise<void> => {
      const { client, man } = await meet(ofClient, ofServer, {
        toClient: (item, index) => {
          if (index !== 3) return item;
          expect(item).toHaveLength(length);
          return Buffer.concat([flip(item, at), Buffer.alloc(REST_BYTES)]);
        },
      });
      expect((client as IpcError).code).toMatch(BROKEN);
      if (at >= HEADER_BYTES) expect((client as IpcError).code).toBe("IPC_AUTHENTICATION_FAILED");
      expect(man.heard.client).toHaveLength(3);
    };
    await Promise.all(places(length, HEADER_BYTES).map(flipped));
  });

  test("the client's AUTH is sent back to it as the server's", async () => {
    const stage: { man?: ManInTheMiddle } = {};
    const man = new ManInTheMiddle({
      toServer: (item, index) => {
        if (index !== 2) return item;
        stage.man?.say("client", item.subarray(SELECT_BYTES));
        return undefined;
      },
    });
    stage.man = man;
    openSession(man.server, { role: "server", security: { psk: key(1) } }).catch(() => {});
    await expect(openSession(man.client, { role: "client", security: { psk: key(1) } })).rejects.toMatchObject({
      code: "IPC_AUTHENTICATION_FAILED",
    });
    man.server.destroy();
  });
});
