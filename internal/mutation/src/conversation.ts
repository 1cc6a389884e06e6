import { CountedNonces, deriveSharedX, type KeyPair, keyPairFromScalar } from "@ipc/crypto";
import type { TypedData } from "@ipc/framing";
import {
  type Credentials,
  clientHandshake,
  type Handshake,
  type HandshakeAnswer,
  type HandshakeStep,
  type Negotiated,
  type Protection,
  serverHandshake,
} from "@ipc/session";

export type Role = "server" | "client";

/** What both sides announce and take: small, so that a length beyond it is found by chance too. */
export const MAX_MESSAGE_SIZE = 4_096;

/** What is mutated here is golang-ipc's protocol; the packages attack the secure session in tests of their own. */
export const GOLANG_IPC: Credentials = {
  speaksSecure: false,
  psks: [],
  identity: undefined,
  trustedPeers: undefined,
  require: false,
};

/** Always the same pairs: what was recorded with them can be opened by a receiver that is given its own again. */
export const KEY_PAIRS: Readonly<Record<Role, KeyPair>> = {
  server: keyPairFromScalar(new Uint8Array(48).fill(0x21)),
  client: keyPairFromScalar(new Uint8Array(48).fill(0x42)),
};

/** What a receiver waits for when a handshake is complete. */
export const FIRST_FRAME = "the first frame";
export const LATER_FRAME = "a later frame";

/** One item on the wire. `state` is what its receiver waits for: the handshake's own word for it. */
export interface Item {
  readonly state: string;
  readonly bytes: Uint8Array;
}

/** All that one side says to the other in a conversation without a fault. */
export interface Conversation {
  readonly receiver: Role;
  readonly encrypted: boolean;
  readonly items: readonly Item[];
  /** What the receiver agreed on, where the handshake is not part of the conversation. */
  readonly agreed?: Negotiated;
}

/** What each side writes when the handshake is complete. */
export const MESSAGES: readonly TypedData[] = [5, 0, 1, 300, 17, 64, 2, 150].map((size, index) => ({
  type: index + 1,
  data: new Uint8Array(size).fill(0x61 + index),
}));

/** Records what both sides say, by letting the two handshakes talk to each other: with the handshake, and without it. */
export function recordConversations(encrypted: boolean): Conversation[] {
  const sides: Readonly<Record<Role, Side>> = {
    server: new Side(
      serverHandshake({
        encryption: encrypted,
        maxMessageSize: MAX_MESSAGE_SIZE,
        credentials: GOLANG_IPC,
        nonces: nonces(1),
      }),
      "server",
    ),
    client: new Side(
      clientHandshake({ name: "recorded", encryption: encrypted, credentials: GOLANG_IPC, nonces: nonces(2) }),
      "client",
    ),
  };
  while (sides.server.advance(sides.client) || sides.client.advance(sides.server));
  return [...sides.server.listenTo(sides.client, encrypted), ...sides.client.listenTo(sides.server, encrypted)];
}

function nonces(side: number): CountedNonces {
  return new CountedNonces(new Uint8Array(8).fill(side));
}

class Side {
  readonly #role: Role;
  readonly #handshake: Handshake<Negotiated>;
  readonly #items: Item[] = [];
  #arrived: Uint8Array = new Uint8Array(0);
  #step: IteratorResult<HandshakeStep, Negotiated>;

  constructor(handshake: Handshake<Negotiated>, role: Role) {
    this.#handshake = handshake;
    this.#role = role;
    this.#step = handshake.next();
  }

  /** Takes one step; false when it has to wait for the other side, or is done. */
  advance(other: Side): boolean {
    if (this.#step.done === true) return false;
    const step = this.#step.value;
    let answer: HandshakeAnswer;
    switch (step.kind) {
      case "receive":
        if (this.#arrived.length < step.bytes) return false;
        answer = Uint8Array.from(this.#arrived.subarray(0, step.bytes));
        this.#arrived = this.#arrived.subarray(step.bytes);
        this.#items.push({ state: step.what, bytes: answer });
        break;
      case "send":
        other.#arrived = Buffer.concat([other.#arrived, step.bytes]);
        break;
      case "keyPair":
        answer = KEY_PAIRS[this.#role];
        break;
      case "sharedX":
        answer = deriveSharedX(step.privateKey, step.publicKey);
        break;
      case "authorize":
        break;
    }
    this.#step = this.#handshake.next(answer);
    return true;
  }

  /** The conversation as this side hears it. */
  listenTo(other: Side, encrypted: boolean): Conversation[] {
    const { protection } = other.#agreed;
    const frames = MESSAGES.map((message, index) => ({
      state: index === 0 ? FIRST_FRAME : LATER_FRAME,
      bytes: encodeFrame(protection, message),
    }));
    const receiver = this.#role;
    return [
      { receiver, encrypted, items: [...this.#items, ...frames] },
      { receiver, encrypted, items: frames, agreed: this.#agreed },
    ];
  }

  get #agreed(): Negotiated {
    if (this.#step.done !== true) throw new Error(`the ${this.#role}'s handshake does not come to its end`);
    return this.#step.value;
  }
}

function encodeFrame(protection: Protection, { type, data }: TypedData): Uint8Array {
  const frame = new Uint8Array(protection.frameOverhead + data.length);
  protection.writeFrame(frame, 0, type, data);
  return frame;
}
