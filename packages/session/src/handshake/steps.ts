import type { KeyObject } from "node:crypto";
import type { KeyPair } from "@ipc/crypto";
import type { ConnectionSecurity } from "../security.js";

/**
 * The messages of a peer, in order. A select without the AUTH that belongs to it is no stage of its own, because a byte without a
 * key must not make a stranger count for more than a client whose key is being worked on.
 */
export const STAGE = { connected: 0, replied: 1, publicKey: 2, auth: 3 } as const;

/** A request of a handshake to its runner. The handshake does no I/O itself. */
export type HandshakeStep =
  /** Reads exactly `bytes` bytes; `what` names them in error messages. With them the peer has reached `stage`, if given. */
  | { readonly kind: "receive"; readonly bytes: number; readonly what: string; readonly stage?: number }
  /** Sends one item in one write, because a Go peer reads each item with a single Read. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "keyPair" }
  /** Computes X of the shared point, 48 bytes, in the CPU queue, because it blocks the event loop for milliseconds. */
  | { readonly kind: "sharedSecret"; readonly privateKey: KeyObject; readonly publicKey: Uint8Array }
  /** Waits in the CPU queue before a slow step; at most 4 such waits end per macrotask, ahead of a `sharedSecret`. */
  | { readonly kind: "cpuQueue" }
  /** Asks the server to accept or reject the client, at the last moment at which it can reject it. */
  | { readonly kind: "authorize"; readonly security: ConnectionSecurity };

export type HandshakeAnswer = Uint8Array | KeyPair | undefined;

/** A protocol conversation: yields steps, receives their answers, returns `T`. */
export type Handshake<T> = Generator<HandshakeStep, T, HandshakeAnswer>;

export function* receive(bytes: number, what: string, stage?: number): Handshake<Uint8Array> {
  return (yield { kind: "receive", bytes, what, ...(stage !== undefined && { stage }) }) as Uint8Array;
}

export function* send(bytes: Uint8Array): Handshake<void> {
  yield { kind: "send", bytes };
}

export function* keyPair(): Handshake<KeyPair> {
  return (yield { kind: "keyPair" }) as KeyPair;
}

export function* sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Handshake<Uint8Array> {
  return (yield { kind: "sharedSecret", privateKey, publicKey }) as Uint8Array;
}

export function* cpuQueue(): Handshake<void> {
  yield { kind: "cpuQueue" };
}

export function* authorize(security: ConnectionSecurity): Handshake<void> {
  yield { kind: "authorize", security };
}
