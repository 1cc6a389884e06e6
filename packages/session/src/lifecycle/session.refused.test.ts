import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { importPsk, keyPairFromScalar } from "@ipc/crypto";
import { memoryPair } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import type { IpcError } from "../errors.js";
import { clientHandshake } from "../handshake/client-handshake.js";
import { runHandshake } from "../handshake/run-handshake.js";
import { serverHandshake } from "../handshake/server-handshake.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { OptionReader } from "../options/option-reader.js";
import { PEER_OPTIONS, type PeerOptions, resolvePeerOptions } from "../options/peer-options.js";
import { Session } from "./session.js";

type Role = "client" | "server";

/** Of the vectors of ipcx/1; docs/WIRE.md describes them. */
type GoldenSession = Readonly<
  Record<"name" | "P" | "limits nonce" | `${Role} private key`, string> &
    Partial<Record<"psk" | `${Role} seed`, string>> &
    Record<"rekey interval", number>
>;
interface Refusal {
  readonly about: string;
  readonly role: Role;
  readonly session: string;
  readonly received: string;
  readonly ends: boolean;
  readonly answer?: string;
  readonly code: string;
}

const file = new URL("../../../../internal/conformance/vectors/ipcx-1.json", import.meta.url);
const { sessions, refused } = JSON.parse(readFileSync(file, "utf8")) as {
  readonly sessions: readonly GoldenSession[];
  readonly refused: readonly Refusal[];
};

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const identityOf = (seed: string): KeyObject =>
  createPrivateKey({ key: bytes(`302e020100300506032b657004220420${seed}`), format: "der", type: "pkcs8" });
const publicOf = (seed: string): Uint8Array =>
  new Uint8Array(createPublicKey(identityOf(seed)).export({ format: "der", type: "spki" }).subarray(-32));

/** The keys of a side; it insists on them where the server's offer does. */
function credentialsOf(session: GoldenSession, role: Role): Credentials {
  const [mine, theirs] = [session[`${role} seed`], session[role === "client" ? "server seed" : "client seed"]];
  return {
    ...NO_CREDENTIALS,
    psks: session.psk === undefined ? [] : [importPsk(bytes(session.psk))],
    identity: mine === undefined ? undefined : identityOf(mine),
    trustedPeers: theirs === undefined ? undefined : [publicOf(theirs)],
    require: session.P.slice(20, 22) !== "00",
  };
}

interface Outcome {
  readonly code: string;
  /** All that the refusing side sent, in items. */
  readonly sent: readonly string[];
}

/** Plays the side that refuses, which ends the stream, over a stream that carries what the vector holds. */
async function play({ role, session: name, received, ends }: Refusal): Promise<Outcome> {
  const session = sessions.find((golden) => golden.name === name);
  if (session === undefined) throw new Error(`no session ${name}`);
  const [near, far] = memoryPair();
  const sent: string[] = [];
  far.on("data", (item: Buffer) => sent.push(item.toString("hex")));
  far.on("error", () => {});
  const end = new Promise((resolve) => far.once("end", resolve).once("close", resolve));
  far.write(bytes(received));
  if (ends) far.end();
  const credentials = credentialsOf(session, role);
  const records = { rekeyInterval: session["rekey interval"] };
  const maxMessageSize = role === "client" ? 2_097_152 : 3_145_728;
  const common = { encryption: true, credentials, records, maxMessageSize };
  const handshake =
    role === "client"
      ? clientHandshake({ name: "orders", serverName: "orders", ...common })
      : serverHandshake({
          name: "orders",
          instance: bytes(session.P.slice(-32)),
          nonces: { next: (target) => target.set(bytes(session["limits nonce"])) },
          ...common,
        });
  const keyPair = keyPairFromScalar(bytes(session[`${role} private key`]));
  try {
    const { result, rest } = await runHandshake(near, handshake, { timeoutMs: 20_000, keyPair: async () => keyPair });
    const reader = new OptionReader<PeerOptions>("test", { maxMessageSize }, PEER_OPTIONS);
    const established = new Session(resolvePeerOptions(reader, role), {
      stream: near,
      outcome: result,
      rest,
      remote: "vectors",
    });
    established.on("message", () => {});
    const { code, cause } = await new Promise<IpcError>((resolve) => established.once("lost", resolve));
    await end;
    // A truncation is the cause of a connection that was lost.
    return { code: code === "IPC_CONNECTION_LOST" ? (cause as IpcError).code : code, sent };
  } catch (error) {
    await end;
    return { code: (error as IpcError).code, sent };
  } finally {
    far.destroy();
  }
}

describe.each(["client", "server"] as const)("a %s refuses as the vectors of ipcx/1 say", (role) => {
  test.each(refused.filter((refusal) => refusal.role === role))("$about", async (refusal) => {
    const { code, sent } = await play(refusal);
    expect(code).toBe(refusal.code);
    if (refusal.answer !== undefined) expect(sent.at(-1)).toBe(refusal.answer);
  });
});
