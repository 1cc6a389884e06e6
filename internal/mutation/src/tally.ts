import { table } from "@ipc-internal/seeded";
import { BadEnding, type Ending } from "./ending.js";
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
  "server: the first frame",
  "server: a later frame",
  "server: in order, no message",
  "server: in order, after messages",
  "client: the server's hello",
  "client: the peer's public key",
  "client: the length of the server's limits",
  "client: the server's limits",
  "client: the first frame",
  "client: a later frame",
  "client: in order, no message",
  "client: in order, after messages",
];

interface StateCount {
  readonly ended: number;
  readonly encrypted: number;
}

/** Counts endings by who was fed and in what state it ended. */
export class Tally {
  readonly #states = new Map<string, StateCount>(STATES.map((name) => [name, { ended: 0, encrypted: 0 }]));
  readonly #codes = new Map<string, number>();
  readonly #mutations = new Map<string, number>();
  inputs = 0;
  messages = 0;
  encrypted = 0;

  add(input: Input, { target, state, code, encrypted, messages }: Ending): void {
    this.inputs++;
    this.messages += messages;
    if (encrypted) this.encrypted++;
    const name = `${target}: ${state}`;
    const before = this.#states.get(name);
    if (before === undefined) throw new BadEnding(`seed ${input.seed} ended in a state that nobody knows: ${name}`);
    this.#states.set(name, { ended: before.ended + 1, encrypted: before.encrypted + (encrypted ? 1 : 0) });
    count(this.#codes, code ?? "none");
    for (const mutation of input.mutations.length === 0 ? ["none"] : input.mutations) count(this.#mutations, mutation);
  }

  /** The states that ended fewer than this share of the inputs, 0 … 1. */
  statesUnder(share: number): string[] {
    return [...this.#states].filter(([, { ended }]) => ended < share * this.inputs).map(([name]) => name);
  }

  /** In Markdown. */
  describe(): string {
    const states = [...this.#states].map(([name, { ended, encrypted }]) => [
      name,
      ended,
      percent(ended, this.inputs),
      percent(encrypted, ended),
    ]);
    return [
      table(["ended while waiting for, or", "inputs", "share", "of these encrypted"], states),
      table(["ended with", "inputs"], sorted(this.#codes)),
      table(["mutation", "times"], sorted(this.#mutations)),
    ].join("\n");
  }
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
