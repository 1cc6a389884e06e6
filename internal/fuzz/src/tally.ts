import type { IpcErrorCode } from "@ipc/session";
import { count, countTable, sum, table, WIRES, type Wire } from "@ipc-internal/stress";
import { recordConversations } from "./conversation.js";
import type { Input, Target } from "./input.js";
import { END_CODES } from "./reference.js";

/** The end of an input. */
export interface Ending {
  readonly target: Target;
  readonly wire: Wire;
  /** The item that the receiver waited for, or the kind of its end. */
  readonly state: string;
  /** Undefined: nothing failed. */
  readonly code: IpcErrorCode | undefined;
  readonly messages: number;
}

/** An input that did not end as it must. */
export class BadEnding extends Error {
  override readonly name = "BadEnding";
}

/** How a session ends that no fault ends. */
export const IN_ORDER = { silent: "in order, no message", after: "in order, after messages" } as const;

/** Every way for an input to end: what was waited for, or how it was over. A secure handshake has all items. */
const STATES: readonly string[] = [
  ...Object.keys(END_CODES).map((end) => `decoder: ${end}`),
  ...recordConversations("secure").flatMap(({ receiver, items }) =>
    [...items.map(({ state }) => state), ...Object.values(IN_ORDER)].map((state) => `${receiver}: ${state}`),
  ),
];

/** How many inputs ended in a state, of each wire. */
type StateCount = Record<Wire, number>;

/** Counts endings by the part that was fed and the state in which it ended. */
export class Tally {
  readonly #states = new Map<string, StateCount>(STATES.map((name) => [name, { plain: 0, compatible: 0, secure: 0 }]));
  readonly #codes: Record<string, number> = {};
  readonly #mutations: Record<string, number> = {};
  inputs = 0;
  messages = 0;

  add(input: Input, { target, state, code, wire, messages }: Ending): void {
    this.inputs++;
    this.messages += messages;
    const name = `${target}: ${state}`;
    const counts = this.#states.get(name);
    if (counts === undefined) throw new BadEnding(`seed ${input.seed} ended in an unknown state: ${name}`);
    counts[wire]++;
    count(this.#codes, code ?? "none");
    for (const mutation of input.mutations.length === 0 ? ["none"] : input.mutations) count(this.#mutations, mutation);
  }

  /** The states that ended fewer than this share of the inputs, 0 … 1. */
  statesUnder(share: number): string[] {
    return [...this.#states]
      .filter(([, counts]) => sum(Object.values(counts)) < share * this.inputs)
      .map(([name]) => name);
  }

  /** In Markdown. */
  describe(): string {
    const states = [...this.#states].map(([name, counts]) => [
      name,
      sum(Object.values(counts)),
      percent(sum(Object.values(counts)), this.inputs),
      ...WIRES.map((wire) => counts[wire]),
    ]);
    return [
      table(["ended while waiting for, or", "inputs", "share", ...WIRES], states),
      countTable(["ended with", "inputs"], this.#codes),
      countTable(["mutation", "times"], this.#mutations),
    ].join("\n");
  }
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}
