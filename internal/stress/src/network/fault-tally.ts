import { count, countTable, sum, table } from "../report/figure.js";
import type { RunResult } from "./seeded-run.js";

interface LaneCount {
  readonly runs: number;
  readonly connections: number;
  readonly faults: number;
  readonly messages: number;
}

/** Counts what happened in the runs. */
export class FaultTally {
  readonly #lanes = new Map<string, LaneCount>();
  readonly #faults: Record<string, number> = {};
  readonly #codes: Record<string, number> = {};
  readonly #finales: Record<string, number> = {};
  runs = 0;

  add({ plan, fired, connections, reports }: RunResult): void {
    const { server, client } = reports;
    this.runs++;
    for (const kind of fired) count(this.#faults, kind);
    for (const code of [...server.codes, ...client.codes]) count(this.#codes, code);
    count(this.#finales, plan.finale.kind === "finish" ? "finished" : `${plan.finale.kind} under a fault`);
    const name = `${plan.transport}, ${plan.wire}`;
    const before = this.#lanes.get(name) ?? { runs: 0, connections: 0, faults: 0, messages: 0 };
    this.#lanes.set(name, {
      runs: before.runs + 1,
      connections: before.connections + connections,
      faults: before.faults + fired.length,
      messages: before.messages + sum([...server.arrived, ...client.arrived].map(({ messages }) => messages)),
    });
  }

  /** In Markdown. */
  describe(): string {
    const lanes = [...this.#lanes]
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([name, { runs, connections, faults, messages }]) => [name, runs, connections, faults, messages]);
    return [
      table(["between the processes", "runs", "connections", "faults", "messages checked"], lanes),
      countTable(["fault", "times"], this.#faults),
      countTable(["end of a run", "times"], this.#finales),
      countTable(["seen in a run", "by so many peers"], this.#codes),
    ].join("\n");
  }

  /** The kinds of faults that happened. */
  get faults(): readonly string[] {
    return Object.keys(this.#faults);
  }
}
