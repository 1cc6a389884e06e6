import type { KeyObject } from "node:crypto";
import type { KeyPair } from "@ipc/crypto";
import type { ConnectionSecurity } from "../security.js";

/** What a handshake asks of whoever runs it. It does no I/O itself. */
export type HandshakeStep =
  /** Exactly `bytes` bytes; `what` names them in messages. */
  | { readonly kind: "receive"; readonly bytes: number; readonly what: string }
  /** One item, one write: a Go peer reads each item with a single Read. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "keyPair" }
  /** The X of the shared point, 48 bytes: too slow to be done while others wait for their turn. */
  | { readonly kind: "sharedX"; readonly privateKey: KeyObject; readonly publicKey: Uint8Array }
  /** What follows takes its time: it is done in a turn of the event loop that has nothing else of this kind. */
  | { readonly kind: "turn" }
  /** The last moment at which the server can turn the client away. */
  | { readonly kind: "authorize"; readonly security: ConnectionSecurity };

export type HandshakeAnswer = Uint8Array | KeyPair | undefined;

/** A protocol conversation: yields steps, is given their answers, returns `T`. */
export type Handshake<T> = Generator<HandshakeStep, T, HandshakeAnswer>;

export function* receive(bytes: number, what: string): Handshake<Uint8Array> {
  return (yield { kind: "receive", bytes, what }) as Uint8Array;
}

export function* send(bytes: Uint8Array): Handshake<void> {
  yield { kind: "send", bytes };
}

export function* keyPair(): Handshake<KeyPair> {
  return (yield { kind: "keyPair" }) as KeyPair;
}

export function* sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Handshake<Uint8Array> {
  return (yield { kind: "sharedX", privateKey, publicKey }) as Uint8Array;
}

export function* cpuQueue(): Handshake<void> {
  yield { kind: "turn" };
}

export function* authorize(security: ConnectionSecurity): Handshake<void> {
  yield { kind: "authorize", security };
}
