import { table } from "@ipc-internal/seeded";
import type { RunResult } from "./seeded-run.js";

/** Counts what happened in the runs. */
export class FaultTally {
  readonly #lanes = new Map<string, Count>();
  readonly #faults = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #finales = new Map<string, number>();
  runs = 0;

  add({ plan, fired, connections, reports }: RunResult): void {
    this.runs++;
    for (const kind of fired) add(this.#faults, kind);
    for (const code of [...reports.server.codes, ...reports.client.codes]) add(this.#codes, code);
    add(this.#finales, plan.finale.kind === "finish" ? "finished" : `${plan.finale.kind} under a fault`);
    const messages = [...reports.server.arrived, ...reports.client.arrived].reduce((sum, one) => sum + one.messages, 0);
    const name = `${plan.transport}, ${plan.wire}`;
    const before = this.#lanes.get(name) ?? { runs: 0, connections: 0, faults: 0, messages: 0 };
    this.#lanes.set(name, {
      runs: before.runs + 1,
      connections: before.connections + connections,
      faults: before.faults + fired.length,
      messages: before.messages + messages,
    });
  }

  /** In Markdown. */
  describe(): string {
    const lanes = [...this.#lanes]
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([name, { runs, connections, faults, messages }]) => [name, runs, connections, faults, messages]);
    return [
      table(["between the processes", "runs", "connections", "faults", "messages checked"], lanes),
      table(["fault", "times"], sorted(this.#faults)),
      table(["end of a run", "times"], sorted(this.#finales)),
      table(["seen in a run", "by so many peers"], sorted(this.#codes)),
    ].join("\n");
  }

  /** The kinds of faults that happened. */
  get faults(): readonly string[] {
    return [...this.#faults.keys()];
  }
}

interface Count {
  readonly runs: number;
  readonly connections: number;
  readonly faults: number;
  readonly messages: number;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, one], [, other]) => other - one);
}
