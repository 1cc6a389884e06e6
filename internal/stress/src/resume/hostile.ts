import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  type ClientHandshakeOptions,
  type Credentials,
  clientHandshake,
  type HandshakeOutcome,
  type HandshakeResult,
  runHandshake,
  type ServerResume,
  serverHandshake,
} from "@ipc/session/handshake";

export type Claim = NonNullable<NonNullable<ClientHandshakeOptions["resume"]>["claim"]>;

export const name = "target";
export const psk: Uint8Array = new Uint8Array(32).fill(7);

const CREDENTIALS: Credentials = {
  supportsSecure: true,
  psks: [createSecretKey(psk)],
  identity: undefined,
  trustedPeers: undefined,
  require: true,
};
const LIMITS = { encryption: true, maxMessageSize: 3_145_728 } as const;
const RUN = { timeoutMs: 20_000 };

/** An attacker behind a correct handshake of its own. */
export interface Hostile {
  readonly stream: Duplex;
  readonly outcome: HandshakeOutcome;
  /** All messages that the peer has sent it. */
  readonly texts: readonly string[];
}

/** Makes a client's handshake with the claim of the test. */
export async function shakeHands(
  stream: Duplex,
  { claim, hasPsk = false }: { readonly claim?: Claim | undefined; readonly hasPsk?: boolean } = {},
): Promise<Hostile> {
  const resume = { require: false, claim };
  const handshake = clientHandshake({ name, ...LIMITS, resume, ...(hasPsk && { credentials: CREDENTIALS }) });
  return readOn(stream, await runHandshake(stream, handshake, RUN));
}

/** Makes the handshake of a server that has the pre-shared key, and answers RESUME as the test says. */
export async function impersonate(stream: Duplex, decide: ServerResume["decide"]): Promise<Hostile> {
  const resume = { require: false, decide };
  const handshake = serverHandshake({ name, ...LIMITS, resume, credentials: CREDENTIALS });
  return readOn(stream, await runHandshake(stream, handshake, RUN));
}

function readOn(stream: Duplex, { result: outcome, rest }: HandshakeResult<HandshakeOutcome>): Hostile {
  const texts: string[] = [];
  const decoder = outcome.codec.createDecoder(LIMITS.maxMessageSize);
  const take = (chunk: Uint8Array): void => {
    decoder.push(chunk);
    for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage())
      if (next.type !== 0) texts.push(Buffer.from(next.data).toString());
  };
  if (rest.length > 0) take(rest);
  stream.on("data", take).resume();
  return { stream, outcome, texts };
}

/** Makes a client's claim to a session that is not its own. */
export function claimOf(id: Uint8Array, key: KeyObject, attempt = 1): Claim {
  const session = { id, key, counts: { received: 0, taken: 0 }, isPossible: () => true };
  return { session: session as unknown as Claim["session"], attempt };
}

export function keysOf({ outcome }: Hostile): { readonly id: Uint8Array; readonly key: KeyObject } {
  if (outcome.resume === undefined) throw new Error("the server cannot resume");
  return outcome.resume.keys;
}

export const someKey = (): KeyObject => createSecretKey(randomBytes(32));
