import type { Negotiated } from "@ipc/session";
import { SeededRandom } from "@ipc-internal/seeded";
import { type Conversation, FIRST_FRAME, type Item, type Role, recordConversations } from "./conversation.js";
import { type Mutation, mutate, pickMutation } from "./mutation.js";

/** Who is fed: the decoder by itself, or a handshake and the session behind it. */
export type Target = "decoder" | Role;

/** What one seed makes. */
export interface Input {
  readonly seed: number;
  readonly target: Target;
  readonly encrypted: boolean;
  readonly chunks: readonly Uint8Array[];
  /** What was agreed on before, where the input begins behind the handshake. */
  readonly agreed?: Negotiated;
  /** How the stream ends behind the last chunk. */
  readonly end: "end" | "reset";
  /** Whether it ends only when the fed side has had time to answer. */
  readonly patient: boolean;
  /** Whether the fed side writes as well. */
  readonly writes: boolean;
  readonly mutations: readonly Mutation[];
}

const TARGETS: readonly Target[] = ["decoder", "decoder", "server", "client"];

/**
 * Of the inputs to handshakes. Deriving a key takes some 2 ms, twenty times as long as all the rest, so most of these are
 * mutated at the key itself, which is where they then end, before anything is derived.
 */
const ENCRYPTED_SHARE = 0.08;
const AT_KEY_SHARE = 0.8;
const KEY = "the peer's public key";

/** Sealed frames without a handshake before them, for a session that has its key already. */
const KEYED_SHARE = 0.1;

const SECOND_SHARE = 0.3;
const RESET_SHARE = 0.15;
const WRITING_SHARE = 0.25;
const PATIENT_SHARE = 0.5;

/** Byte by byte is for short inputs: each chunk costs a turn of the event loop. */
const BYTEWISE_MAX_BYTES = 150;

const CONVERSATIONS: readonly Conversation[] = [...recordConversations(false), ...recordConversations(true)];
const ALL_ITEMS: readonly Item[] = CONVERSATIONS.flatMap(({ items }) => items);

export function makeInput(seed: number): Input {
  const random = new SeededRandom(seed);
  const target = random.pick(TARGETS);
  const { items: recorded, encrypted, agreed } = pickConversation(target, random);
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
    encrypted,
    chunks: cut(items, random),
    ...(agreed && { agreed }),
    end: random.chance(RESET_SHARE) ? "reset" : "end",
    patient: random.chance(PATIENT_SHARE),
    writes: random.chance(WRITING_SHARE),
    mutations,
  };
}

function pickConversation(target: Target, random: SeededRandom): Conversation {
  const receiver = target === "decoder" ? random.pick<Role>(["server", "client"]) : target;
  const isKeyed = target === "decoder" || random.chance(KEYED_SHARE);
  const encrypted = target === "decoder" ? random.chance(0.5) : isKeyed || random.chance(ENCRYPTED_SHARE);
  const found = CONVERSATIONS.find(
    (other) => other.receiver === receiver && other.encrypted === encrypted && (other.agreed !== undefined) === isKeyed,
  );
  if (found === undefined) throw new Error("every conversation is recorded");
  return found;
}

/** Each state is as likely as each other, however long its items are; so are the two ends between frames. */
function pickPlace(items: readonly Item[], target: Target, random: SeededRandom): number | "no message" | "end" {
  const states = [...new Set(items.map(({ state }) => state))];
  const atKey = states.includes(KEY) && random.chance(AT_KEY_SHARE);
  const isSession = target !== "decoder" && states.includes(FIRST_FRAME);
  const ends = isSession ? (["no message", "end"] as const) : (["end"] as const);
  const place = atKey ? KEY : random.pick([...states, ...ends]);
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
