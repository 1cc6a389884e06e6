import type { MessageBody } from "@ipc/framing";
import type { Handshake, HandshakeAnswer, HandshakeOutcome, HandshakeStep, MessageCodec } from "@ipc/session/handshake";
import type { Wire } from "@ipc-internal/stress";
import { answerFromMemory, makeHandshake, type Role } from "./handshakes.js";

/** The items that a receiver waits for when a handshake is complete. */
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
  readonly wire: Wire;
  readonly items: readonly Item[];
  /** Gives what the receiver agreed on, as it was at first, where the handshake is not part of the conversation. */
  readonly agree?: () => HandshakeOutcome;
}

/** The messages that each side writes when the handshake is complete. */
export const MESSAGES: readonly MessageBody[] = [5, 0, 1, 300, 17, 64, 2, 150].map((size, index) => ({
  type: index + 1,
  data: new Uint8Array(size).fill(0x61 + index),
}));

/** Records what both sides say, by letting the two handshakes talk to each other: with the handshake, and without it. */
export function recordConversations(wire: Wire): Conversation[] {
  const [server, client] = [new Side("server", wire), new Side("client", wire)];
  while (server.advance(client) || client.advance(server));
  return [...server.listenTo(client), ...client.listenTo(server)];
}

class Side {
  readonly #role: Role;
  readonly #wire: Wire;
  readonly #handshake: Handshake<HandshakeOutcome>;
  readonly #items: Item[] = [];
  #arrived: Uint8Array = new Uint8Array(0);
  #step: IteratorResult<HandshakeStep, HandshakeOutcome>;

  constructor(role: Role, wire: Wire) {
    this.#role = role;
    this.#wire = wire;
    this.#handshake = makeHandshake(role, wire);
    this.#step = this.#handshake.next();
  }

  /** Takes one step; false when it has to wait for the other side, or is done. */
  advance(other: Side): boolean {
    if (this.#step.done === true) return false;
    const step = this.#step.value;
    let answer = answerFromMemory(this.#role, step);
    if (step.kind === "receive") {
      if (this.#arrived.length < step.bytes) return false;
      answer = this.hear(step.what, step.bytes);
    } else if (step.kind === "send") {
      other.#arrived = Buffer.concat([other.#arrived, step.bytes]);
    }
    this.#step = this.#handshake.next(answer);
    return true;
  }

  hear(state: string, length: number): HandshakeAnswer {
    const bytes = Uint8Array.from(this.#arrived.subarray(0, length));
    this.#arrived = this.#arrived.subarray(length);
    this.#items.push({ state, bytes });
    return bytes;
  }

  /** The conversation as this side hears it. */
  listenTo(other: Side): Conversation[] {
    const [receiver, wire] = [this.#role, this.#wire];
    const frames = encodeMessages(other.#agreed.codec);
    const handshake = [...this.#items];
    const agree = (): HandshakeOutcome => replay(receiver, wire, handshake);
    return [
      { receiver, wire, items: [...handshake, ...frames] },
      { receiver, wire, items: frames, agree },
    ];
  }

  get #agreed(): HandshakeOutcome {
    if (this.#step.done !== true) throw new Error(`the ${this.#role}'s handshake does not come to its end`);
    return this.#step.value;
  }
}

/** Runs one side's handshake again with what it heard: a secure session counts its records, so each needs one of its own. */
function replay(role: Role, wire: Wire, heard: readonly Item[]): HandshakeOutcome {
  const handshake = makeHandshake(role, wire);
  const items = heard.values();
  let step = handshake.next();
  while (step.done !== true) {
    const answer = step.value.kind === "receive" ? items.next().value?.bytes : answerFromMemory(role, step.value);
    step = handshake.next(answer);
  }
  return step.value;
}

/** Control frames, which are not delivered: a PING, and a GOAWAY that says that its sender drains. */
const CONTROL_FRAMES: readonly MessageBody[] = [
  Uint8Array.of(1, 0, 0, 0, 7),
  Uint8Array.of(3, 1, ...Array(16).fill(0)),
].map((data) => ({ type: 0, data }));

/** Each message by itself, control frames among them, and what announces the end where there is something. */
function encodeMessages(codec: MessageCodec): Item[] {
  const frames = [...MESSAGES.slice(0, 2), ...CONTROL_FRAMES, ...MESSAGES.slice(2)];
  const items = frames.map(({ type, data }, index) => {
    const { headroom, frameOverhead, tailroom } = codec;
    const bytes = new Uint8Array(headroom + frameOverhead + data.length + tailroom);
    codec.writeFrame(bytes, headroom, type, data);
    codec.sealBatch(bytes);
    return { state: index === 0 ? FIRST_FRAME : LATER_FRAME, bytes };
  });
  const closeNotify = codec.closeNotify();
  return closeNotify === undefined ? items : [...items, { state: LATER_FRAME, bytes: closeNotify }];
}
