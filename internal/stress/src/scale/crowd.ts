import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Order, Outcome, Place } from "./crowd-orders.js";

const PROGRAM = fileURLToPath(new URL("crowd-process.js", import.meta.url));

/** Processes full of clients, that do as they are told. They end when this one does. */
export class Crowd {
  readonly #processes: readonly ChildProcess[];

  private constructor(processes: readonly ChildProcess[]) {
    this.#processes = processes;
  }

  static async start(place: Place, processes: number): Promise<Crowd> {
    const all = Array.from({ length: processes }, () =>
      fork(PROGRAM, [JSON.stringify(place)], { execArgv: [], stdio: "inherit" }),
    );
    await Promise.all(all.map(nextAnswer));
    return new Crowd(all);
  }

  get size(): number {
    return this.#processes.length;
  }

  /** Gives every process its order, and resolves when all have carried it out. `share`: how much of it each one does. */
  async do(orderOf: (share: (total: number) => number) => Order): Promise<Outcome> {
    const outcomes = await Promise.all(
      this.#processes.map((child, index) =>
        tell(
          child,
          orderOf((total) => shareOf(total, index, this.size)),
        ),
      ),
    );
    return {
      messages: outcomes.reduce((sum, { messages }) => sum + messages, 0),
      byName: Object.assign({}, ...outcomes.map(({ byName }) => byName)) as Record<string, number>,
    };
  }

  /** Lets the processes end. */
  async end(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        const ended = once(child, "exit");
        child.disconnect();
        await ended;
      }),
    );
  }
}

async function tell(child: ChildProcess, order: Order): Promise<Outcome> {
  const answered = nextAnswer(child);
  child.send(order);
  const answer = await answered;
  if ("error" in answer) throw new Error(`${order.kind}: ${answer.error}`);
  return answer.outcome;
}

function nextAnswer(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      child.off("message", settle);
      child.off("exit", onExit);
      resolve(answer);
    };
    const onExit = (code: number | null): void => settle({ error: `its process ended with ${code}` });
    child.once("message", settle);
    child.once("exit", onExit);
  });
}

/** Shares out `total` among `parts` so that they add up to it. */
function shareOf(total: number, index: number, parts: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
}
