import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { importPsk, keyPairFromScalar } from "@ipc/crypto";
import { clientHandshake } from "../src/handshake/client-handshake.js";
import { runHandshake } from "../src/handshake/run-handshake.js";
import { serverHandshake } from "../src/handshake/server-handshake.js";
import { Session } from "../src/lifecycle/session.js";
import { type Credentials, NO_CREDENTIALS } from "../src/negotiation/credentials.js";
import { OptionReader } from "../src/options/option-reader.js";
import { PEER_OPTIONS, type PeerOptions, resolvePeerOptions } from "../src/options/peer-options.js";

export type Role = "client" | "server";

/** The vectors of ipcx/1, as far as a whole session needs them; docs/WIRE.md describes them. */
export type GoldenSession = Readonly<
  Record<"name" | "P" | "hello" | "reply" | "limits" | "select" | `${Role} key`, string> &
    Record<"limits nonce" | `${Role} private key`, string> &
    Partial<Record<"psk" | `${Role} ${"seed" | "identity"}`, string>> &
    Record<"rekey interval", number> &
    Record<`${Role} records`, readonly GoldenRecord[]>
>;
export interface GoldenRecord {
  readonly kind: number;
  readonly plaintext: string;
  readonly record: string;
}
interface GoldenPlain
  extends Readonly<Record<"name" | "P" | "hello" | "reply" | "limits" | "select", string>>,
    Readonly<Record<`${Role} messages`, readonly string[]>> {}
interface Refusal {
  readonly about: string;
  readonly role: Role;
  readonly session: string;
  readonly received: string;
  readonly ends: boolean;
  readonly answer?: string;
  readonly code: string;
}
interface ControlFrame extends Readonly<Record<"about" | "frame" | `${Role} record`, string>> {
  readonly answer?: string;
}

const file = new URL("../../../internal/conformance/vectors/ipcx-1.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  readonly sessions: readonly GoldenSession[];
  readonly plain: GoldenPlain;
  readonly refused: readonly Refusal[];
  readonly "control frames": readonly ControlFrame[];
};

export const { sessions, plain, refused, "control frames": controlFrames } = vectors;

export const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

export function goldenSession(name: string): GoldenSession {
  const session = sessions.find((golden) => golden.name === name);
  if (session === undefined) throw new Error(`the vectors have no session ${name}`);
  return session;
}

/** Opens a session over `stream` with the keys, the settings and the random values of a side in the vectors. */
export async function openGolden(role: Role, name: string, stream: Duplex): Promise<Session> {
  const encryption = name !== plain.name;
  const session = encryption ? goldenSession(name) : undefined;
  const maxMessageSize = role === "client" ? 2_097_152 : 3_145_728;
  const common = {
    encryption,
    maxMessageSize,
    ...(session && {
      credentials: credentialsOf(session, role),
      records: { rekeyInterval: session["rekey interval"] },
    }),
  };
  const handshake =
    role === "client"
      ? clientHandshake({ name: "orders", serverName: "orders", ...common })
      : serverHandshake({
          name: "orders",
          instance: bytes((session ?? plain).P.slice(-32)),
          nonces: { next: (target) => target.set(bytes(session?.["limits nonce"] ?? "")) },
          ...common,
        });
  const keyPair = keyPairFromScalar(bytes(session?.[`${role} private key`] ?? "11".repeat(48)));
  const options = { timeoutMs: 20_000, keyPair: async () => keyPair };
  const { result, rest } = await runHandshake(stream, handshake, options);
  const reader = new OptionReader<PeerOptions>("test", { maxMessageSize }, PEER_OPTIONS);
  return new Session(resolvePeerOptions(reader, role), { stream, outcome: result, rest, remote: "vectors" });
}

/** The keys of a side; it insists on them where the server's offer does. */
export function credentialsOf(session: GoldenSession, role: Role): Credentials {
  const [mine, theirs] = [session[`${role} seed`], session[role === "client" ? "server seed" : "client seed"]];
  return {
    ...NO_CREDENTIALS,
    psks: session.psk === undefined ? [] : [importPsk(bytes(session.psk))],
    identity: mine === undefined ? undefined : identityOf(mine),
    trustedPeers: theirs === undefined ? undefined : [publicOf(theirs)],
    require: session.P.slice(20, 22) !== "00",
  };
}

function identityOf(seed: string): KeyObject {
  return createPrivateKey({ key: bytes(`302e020100300506032b657004220420${seed}`), format: "der", type: "pkcs8" });
}

function publicOf(seed: string): Uint8Array {
  return new Uint8Array(createPublicKey(identityOf(seed)).export({ format: "der", type: "spki" }).subarray(-32));
}
