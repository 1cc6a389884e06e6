import { table } from "@ipc-internal/seeded";
import { BadEnding, type Ending } from "./ending.js";
import { WIRES, type Wire } from "./handshakes.js";
import type { Input } from "./input.js";

/** Every way for an input to end: what was waited for, or how it was over. */
const STATES: readonly string[] = [
  "decoder: in a length",
  "decoder: in a body",
  "decoder: length too large",
  "decoder: length too short",
  "decoder: between frames",
  "server: the client's reply to the hello",
  "server: the peer's public key",
  "server: the client's reply to the limits",
  "server: the client's AUTH",
  "server: the first frame",
  "server: a later frame",
  "server: in order, no message",
  "server: in order, after messages",
  "client: the server's hello",
  "client: the peer's public key",
  "client: the length of the server's limits",
  "client: the server's limits",
  "client: the server's AUTH",
  "client: the first frame",
  "client: a later frame",
  "client: in order, no message",
  "client: in order, after messages",
];

/** How many inputs ended in a state, of each wire. */
type StateCount = Record<Wire, number>;

/** Counts endings by the part that was fed and the state in which it ended. */
export class Tally {
  readonly #states = new Map<string, StateCount>(STATES.map((name) => [name, { plain: 0, compatible: 0, secure: 0 }]));
  readonly #codes = new Map<string, number>();
  readonly #mutations = new Map<string, number>();
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
    return [...this.#states].filter(([, counts]) => sum(counts) < share * this.inputs).map(([name]) => name);
  }

  /** In Markdown. */
  describe(): string {
    const states = [...this.#states].map(([name, counts]) => [
      name,
      sum(counts),
      percent(sum(counts), this.inputs),
      ...WIRES.map((wire) => counts[wire]),
    ]);
    return [
      table(["ended while waiting for, or", "inputs", "share", ...WIRES], states),
      table(["ended with", "inputs"], sorted(this.#codes)),
      table(["mutation", "times"], sorted(this.#mutations)),
    ].join("\n");
  }
}

function sum(counts: StateCount): number {
  return counts.plain + counts.compatible + counts.secure;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, one], [, other]) => other - one);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}
