import type { HandshakeOutcome } from "@ipc/session/handshake";
import { SeededRandom, WIRES, type Wire } from "@ipc-internal/stress";
import { type Conversation, FIRST_FRAME, type Item, recordConversations } from "./conversation.js";
import type { Role } from "./handshakes.js";
import { type Mutation, mutate, pickMutation } from "./mutation.js";

/** The part that is fed: the decoder by itself, or a handshake and the session behind it. */
export type Target = "decoder" | Role;

/** The input of one seed. */
export interface Input {
  readonly seed: number;
  readonly target: Target;
  readonly wire: Wire;
  readonly chunks: readonly Uint8Array[];
  /** Gives what was agreed on before, where the input begins behind the handshake. */
  readonly agree?: () => HandshakeOutcome;
  /** How the stream ends behind the last chunk. */
  readonly end: "end" | "reset";
  /** Whether it ends only when the fed side has had time to answer. */
  readonly patient: boolean;
  /** Whether the fed side writes as well. */
  readonly writes: boolean;
  readonly mutations: readonly Mutation[];
}

const TARGETS: readonly Target[] = ["decoder", "server", "client"];

/** The wires of inputs to handshakes: a secure one has the most states. The decoder takes frames that are plain or sealed. */
const HANDSHAKE_WIRES: readonly Wire[] = ["plain", "compatible", "secure", "secure"];
const FRAME_WIRES: readonly Wire[] = ["plain", "compatible"];

/** Sealed frames or records without a handshake before them, for a session that has its key already. */
const KEYED_SHARE = 0.1;
const KEYED_WIRES: readonly Wire[] = ["compatible", "secure"];

const SECOND_SHARE = 0.3;
const RESET_SHARE = 0.15;
const WRITING_SHARE = 0.25;
const PATIENT_SHARE = 0.5;

/** Byte by byte is for short inputs: each chunk costs a turn of the event loop. */
const BYTEWISE_MAX_BYTES = 150;

const CONVERSATIONS: readonly Conversation[] = WIRES.flatMap(recordConversations);
const ALL_ITEMS: readonly Item[] = CONVERSATIONS.flatMap(({ items }) => items);

export function makeInput(seed: number): Input {
  const random = new SeededRandom(seed);
  const target = random.pick(TARGETS);
  const { items: recorded, wire, agree } = pickConversation(target, random);
  let items = recorded;
  const mutations: Mutation[] = [];
  for (let left = random.chance(SECOND_SHARE) ? 2 : 1; left > 0; left--) {
    const place = pickPlace(items, target, random);
    if (place === "end") continue;
    const mutation = place === "no message" ? "stop" : pickMutation(random);
    const index = place === "no message" ? items.findIndex(({ state }) => state === FIRST_FRAME) : place;
    items = mutate(items, index, mutation, random, ALL_ITEMS);
    mutations.push(mutation);
  }
  return {
    seed,
    target,
    wire,
    chunks: cut(items, random),
    ...(agree && { agree }),
    end: random.chance(RESET_SHARE) ? "reset" : "end",
    patient: random.chance(PATIENT_SHARE),
    writes: random.chance(WRITING_SHARE),
    mutations,
  };
}

function pickConversation(target: Target, random: SeededRandom): Conversation {
  const receiver = target === "decoder" ? random.pick<Role>(["server", "client"]) : target;
  const isKeyed = target === "decoder" || random.chance(KEYED_SHARE);
  const wire = random.pick(target === "decoder" ? FRAME_WIRES : isKeyed ? KEYED_WIRES : HANDSHAKE_WIRES);
  const found = CONVERSATIONS.find(
    (other) => other.receiver === receiver && other.wire === wire && (other.agree !== undefined) === isKeyed,
  );
  if (found === undefined) throw new Error("every conversation is recorded");
  return found;
}

/** Each state is as likely as each other, however long its items are; so are the two ends between frames. */
function pickPlace(items: readonly Item[], target: Target, random: SeededRandom): number | "no message" | "end" {
  const states = [...new Set(items.map(({ state }) => state))];
  const isSession = target !== "decoder" && states.includes(FIRST_FRAME);
  const ends = isSession ? (["no message", "end"] as const) : (["end"] as const);
  const place = random.pick([...states, ...ends]);
  if (place === "no message" || place === "end") return place;
  return random.pick([...items.keys()].filter((index) => items[index]?.state === place));
}

function cut(items: readonly Item[], random: SeededRandom): Uint8Array[] {
  const bytes = Buffer.concat(items.map((item) => item.bytes));
  if (bytes.length === 0) return [];
  const way = random.pick(["whole", "items", "pieces", "bytes"] as const);
  switch (way) {
    case "items":
      return items.map((item) => item.bytes).filter(({ length }) => length > 0);
    case "bytes":
      if (bytes.length > BYTEWISE_MAX_BYTES) return cutIntoPieces(bytes, random);
      return Array.from(bytes, (byte) => Uint8Array.of(byte));
    case "pieces":
      return cutIntoPieces(bytes, random);
    case "whole":
      return [bytes];
  }
}

function cutIntoPieces(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
    pieces.push(bytes.subarray(at, at + random.magnitude(1, 400)));
  }
  return pieces;
}
