import { generateKeyPairSync } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ConnectionEvent, PeerOptions, SecurityOptions, Session } from "@ipc/session";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { collect, failureOf, nextEvent, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { expectService, name, type Served, serve } from "../test/served.js";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [alice, bob, carol] = [0, 1, 2].map(() => generateKeyPairSync("ed25519")) as [Pair, Pair, Pair];
const REFUSED = "IPC_SECURITY_REFUSED";
const GOLANG: SecurityOptions = { wire: "golang-ipc" };

type Pair = ReturnType<typeof generateKeyPairSync>;

/** A server with these keys, and a client of it. */
async function connect(ofServer: SecurityOptions, ofClient: SecurityOptions): Promise<Served & { client: Session }> {
  const served = await serve({ security: ofServer });
  const client = await openFarClient(served.directory, name, { security: ofClient });
  await readUntil(served.server, "Connected");
  return { ...served, client };
}

describe("a server whose keys are replaced ends the connection", () => {
  it.each<[string, SecurityOptions, SecurityOptions, SecurityOptions, string]>([
    ["of a pre-shared key", { psk: key(1) }, { psk: key(1) }, { psk: key(2) }, "the pre-shared key of this client"],
    ["of a pre-shared key when it has none any more", { psk: key(1) }, { psk: key(1) }, {}, "the pre-shared key"],
    [
      "of one of several pre-shared keys",
      { psk: [key(1), key(2), key(3)] },
      { psk: key(2) },
      { psk: [key(1), key(3)] },
      "the pre-shared key",
    ],
    [
      "of a public key that is no longer trusted",
      { trustedPeers: [alice.publicKey, bob.publicKey] },
      { identity: alice.privateKey },
      { trustedPeers: [bob.publicKey] },
      "the public key of this client",
    ],
    [
      "of one key that stays and one that does not",
      { psk: key(1), trustedPeers: [alice.publicKey] },
      { psk: key(1), identity: alice.privateKey },
      { psk: key(1), trustedPeers: [bob.publicKey] },
      "the public key of this client",
    ],
  ])("%s", async (_what, before, ofClient, after, message) => {
    const { server, client } = await connect(before, ofClient);
    const [lost, lostAtClient] = [nextEvent(server, "lost"), nextEvent(client, "lost")];
    server.updateSecurity(after);
    expect(server.status).toBe("Disconnected");
    expect(await lost).toMatchObject({ code: REFUSED, message: expect.stringContaining(message) });
    expect(await lostAtClient).toMatchObject({
      code: REFUSED,
      message: expect.stringContaining("has withdrawn the key of this connection"),
    });
  });
});

describe("a server whose keys are replaced keeps the connection", () => {
  it.each<[string, SecurityOptions, SecurityOptions, SecurityOptions]>([
    ["of a key that stays", { psk: key(1) }, { psk: key(1) }, { psk: [key(2), key(1)] }],
    [
      "of a public key that stays, as raw bytes",
      { trustedPeers: [alice.publicKey] },
      { identity: alice.privateKey },
      {
        trustedPeers: [
          bob.publicKey,
          new Uint8Array(alice.publicKey.export({ format: "der", type: "spki" }).subarray(-32)),
        ],
      },
    ],
    ["of a client that has proved nothing", {}, {}, { psk: key(1) }],
    ["of a golang-ipc client", { psk: key(1), require: false }, GOLANG, { psk: key(2), require: false }],
    [
      "when its own identity is another one",
      { identity: alice.privateKey },
      { trustedPeers: [alice.publicKey] },
      { identity: bob.privateKey },
    ],
  ])("%s", async (_what, before, ofClient, after) => {
    const { server, client } = await connect(before, ofClient);
    server.updateSecurity(after);
    await client.write(1, "still here");
    expect(await readUntil(server, "still here")).toEqual(["still here"]);
    await server.write(1, "and so am I");
    expect(await readUntil(client, "and so am I")).toEqual(["Connected", "and so am I"]);
  });
});

describe("a server whose keys were replaced", () => {
  it("serves clients with the new keys only", async () => {
    const served = await serve({ security: { psk: key(1) } });
    served.server.updateSecurity({ trustedPeers: [carol.publicKey] });
    const old = await failureOf(openFarClient(served.directory, name, { security: { psk: key(1) } }));
    expect(old.code).toBe(REFUSED);
    await expectService(served, { security: { identity: carol.privateKey } });
    served.server.updateSecurity({ psk: key(2) });
    const wrong = await failureOf(openFarClient(served.directory, name, { security: { psk: key(1) } }));
    expect(wrong.code).toBe("IPC_AUTHENTICATION_FAILED");
    await expectService(served, { security: { psk: key(2) } });
  });

  it("keeps its client and its old keys when the new keys are invalid", async () => {
    const { server, client, directory } = await connect({ psk: key(1) }, { psk: key(1) });
    expect(() => server.updateSecurity({ psk: key(0) })).toThrow(RangeError);
    await client.close();
    await readUntil(server, "Disconnected");
    await expectService({ server, directory }, { security: { psk: key(1) } });
  });

  it("keeps the messages that it had received, with the proofs of each sender", async () => {
    const { server, client } = await connect({ psk: key(1) }, { psk: key(1) });
    await client.write(1, "before");
    while (server.stats.messagesReceived === 0) await new Promise((resolve) => setImmediate(resolve));
    server.updateSecurity({ psk: key(2) });
    const message = await server.read();
    expect(message).toMatchObject({ kind: "data", security: { peer: { psk: true } } });
    expect(message.kind === "data" && (await failureOf(message.reply(1, "late")))).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      cause: { code: REFUSED },
    });
  });

  it("ends a handshake that waits for `authorize` when its key is withdrawn", async () => {
    const answers: ((accepts: boolean) => void)[] = [];
    const authorize = (): Promise<boolean> => new Promise((answer) => void answers.push(answer));
    const { server, directory } = await serve({ security: { psk: [key(1), key(2)] }, authorize });
    const failed = failureOf(openFarClient(directory, name, { security: { psk: key(1) } }));
    const refused = nextEvent(server, "refused");
    await eventually(() => expect(answers).toHaveLength(1));
    server.updateSecurity({ psk: key(2) });
    answers[0]?.(true);
    expect(await refused).toMatchObject({ code: REFUSED, message: expect.stringContaining("was withdrawn") });
    expect((await failed).code).toBe("IPC_AUTHENTICATION_FAILED");
    expect([server.status, server.security.peer.psk]).toEqual(["Listening", false]);
  });

  it("ends the connection of a client that has received the server's AUTH when the handshake is not complete on the server", async () => {
    const { server, directory } = await serve({ security: { psk: key(1) } });
    const onHandshake = (news: unknown): void => {
      if ((news as ConnectionEvent).role === "server") server.updateSecurity({ psk: key(2) });
    };
    subscribe("ipc:handshake", onHandshake);
    onTestFinished(() => void unsubscribe("ipc:handshake", onHandshake));
    const lost = nextEvent(server, "lost");
    const client = await openFarClient(directory, name, { security: { psk: key(1) } });
    expect((await nextEvent(client, "lost")).code).toBe(REFUSED);
    expect((await lost).code).toBe(REFUSED);
  });

  it("lets the handshakes of other clients go on when it ends such a connection", async () => {
    const answers: (() => void)[] = [];
    const authorize = (): Promise<boolean> => new Promise((answer) => void answers.push(() => answer(true)));
    const { server, directory } = await serve({ security: { psk: [key(1), key(2)] }, authorize });
    const kept = openFarClient(directory, name, { security: { psk: key(2) } });
    await eventually(() => expect(answers).toHaveLength(1));
    const withdrawn = openFarClient(directory, name, { security: { psk: key(1) } });
    const lostAtClient = withdrawn.then((client) => nextEvent(client, "lost"));
    await eventually(() => expect(answers).toHaveLength(2));
    const onHandshake = (news: unknown): void => {
      if ((news as ConnectionEvent).role === "server") server.updateSecurity({ psk: key(2) });
    };
    subscribe("ipc:handshake", onHandshake);
    onTestFinished(() => void unsubscribe("ipc:handshake", onHandshake));
    const lost = nextEvent(server, "lost");
    answers[1]?.();
    expect((await lost).code).toBe(REFUSED);
    expect((await lostAtClient).code).toBe(REFUSED);
    answers[0]?.();
    await (await kept).write(1, "served");
    expect((await readUntil(server, "served")).at(-1)).toBe("served");
  });

  it("accepts new keys from a listener of the end and during a drain, and rejects them once closed", async () => {
    const { server, client, directory } = await connect({ psk: key(1) }, { psk: key(1) });
    const lost = collect(server, "lost");
    server.once("lost", () => server.updateSecurity({ psk: key(3) }));
    server.updateSecurity({ psk: key(2) });
    expect((await nextEvent(client, "lost")).code).toBe(REFUSED);
    expect(lost).toHaveLength(1);
    const options: PeerOptions = { security: { psk: key(3) } };
    await expectService({ server, directory }, options);
    const next = await openFarClient(directory, name, options);
    await readUntil(server, "Connected");
    const drained = server.drain();
    server.updateSecurity({});
    expect((await nextEvent(next, "lost")).code).toBe(REFUSED);
    await drained;
    expect(() => server.updateSecurity({ psk: key(3) })).toThrow(
      expect.objectContaining({
        code: "IPC_CLOSED",
        message: "updateSecurity: this server is closed (status: Closed); start a new one",
      }),
    );
  });
});
