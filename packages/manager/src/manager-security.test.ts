import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PeerOptions } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { collect, failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { name, serve } from "../test/served.js";

const psk = new Uint8Array(32).fill(1);
const wrong: PeerOptions = { security: { psk: new Uint8Array(32).fill(2) } };
const right: PeerOptions = { security: { psk } };
const GOLANG: PeerOptions = { security: { wire: "golang-ipc" } };

describe("a manager with a pre-shared key", () => {
  it("admits clients with the key at each endpoint, and reports the proof of each", async () => {
    const { manager, transport, visit } = await serve(right);
    const { connection } = await visit(right);
    expect(connection.security).toEqual({ mode: "secure", peer: { psk: true } });
    const { session, id } = await openFarSlot(transport, name, right);
    expect(session.security).toEqual({ mode: "secure", peer: { psk: true } });
    await session.write(1, "by my slot");
    const bySlot = manager.connections.get(id);
    expect(bySlot?.security.peer).toEqual({ psk: true });
    expect((await readData(bySlot as NonNullable<typeof bySlot>)).text()).toBe("by my slot");
  });

  it("rejects every other client before it sends that an id", async () => {
    const { manager, transport } = await serve(right);
    const { id } = await askForId(transport, name, right);
    const refused = collect(manager, "refused");
    for (const [options, code] of [
      [wrong, "IPC_AUTHENTICATION_FAILED"],
      [{}, "IPC_SECURITY_REFUSED"],
      [GOLANG, "IPC_SECURITY_REFUSED"],
    ] as const) {
      expect((await failureOf(openFarClient(transport, name, options))).code).toBe(code);
      expect((await failureOf(askForId(transport, name, options))).code).toBe(code);
      const slot = openFarClient(transport, name, options, { kind: "slot", id });
      expect((await failureOf(slot)).code).toBe(code);
      await eventually(() => expect(refused).toHaveLength(3));
      expect(refused.splice(0).map((error) => error.code)).toEqual([code, code, code]);
    }
    expect(manager.connections.size).toBe(0);
  });

  it("keeps a slot for its requester when a client without the key fails there", async () => {
    const { manager, transport } = await serve(right);
    const { session: request, id } = await askForId(transport, name, right);
    expect((await failureOf(openFarClient(transport, name, wrong, { kind: "slot", id }))).code).toBe(
      "IPC_AUTHENTICATION_FAILED",
    );
    const session = await openFarClient(transport, name, right, { kind: "slot", id });
    await request.close();
    await session.write(1, "mine");
    expect((await readData(manager.connections.get(id) as never)).text()).toBe("mine");
  });
});

describe("a manager without keys", () => {
  it("has secure connections and golang-ipc's at the same time", async () => {
    const { visit } = await serve();
    const modes: string[] = [];
    for (const options of [{}, GOLANG, {}]) modes.push((await visit(options)).connection.security.mode);
    expect(modes).toEqual(["secure", "compatible", "secure"]);
  });
});

it("a manager distinguishes its clients by their signing keys", async () => {
  const pairs = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
  const { visit } = await serve({ security: { trustedPeers: pairs.map(({ publicKey }) => publicKey) } });
  for (const { privateKey, publicKey } of pairs) {
    const { connection } = await visit({ security: { identity: privateKey } });
    const bytes = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
    expect(connection.security.peer).toEqual({ psk: false, key: bytes });
  }
});

it("a manager creates its key file before it listens", async () => {
  const keyFile = join(temporaryDirectory(), "shared.key");
  const { visit } = await serve({ security: { keyFile } });
  const read = new Uint8Array(readFileSync(keyFile));
  const { connection } = await visit({ security: { psk: read } });
  expect(connection.security.peer).toEqual({ psk: true });
});
