import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

type Answer = { readonly outcome: unknown } | { readonly error: string };

export interface WorkerLimits {
  /** Files that it may have open. */
  readonly descriptors?: number;
}

/** A process that does as it is told, an order at a time. It ends when this one does. */
export class Worker<Order, Outcome> {
  readonly #child: ChildProcess;
  readonly #exit: Promise<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(`ended with ${code ?? signal}`));
    });
  }

  /** Starts a program of this folder, compiled, and waits until it takes orders. */
  static async start<Order, Outcome>(
    program: string,
    plan: unknown,
    { descriptors }: WorkerLimits = {},
  ): Promise<Worker<Order, Outcome>> {
    const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url));
    const words = [process.execPath, "--expose-gc", path, JSON.stringify(plan)];
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const child = spawn("sh", ["-c", `${limit}exec "$@"`, "sh", ...words], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const worker = new Worker<Order, Outcome>(child);
    await worker.#next();
    return worker;
  }

  /** Gives an order and waits for what came of it. */
  async tell(order: Order): Promise<Outcome> {
    const answered = this.#next();
    this.#child.send(order as object);
    return (await answered) as Outcome;
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async #next(): Promise<unknown> {
    const heard = new Promise<Answer>(
      (resolve) => void this.#child.once("message", (answer: Answer) => resolve(answer)),
    );
    const answer = await Promise.race([heard, this.#exit]);
    if (typeof answer === "string") throw new Error(`a process under attack, or its attacker, ${answer}`);
    if ("error" in answer) throw new Error(answer.error);
    return answer.outcome;
  }
}

/** In the worker's process: from now on it does what it is told. */
export function takeOrders<Order, Outcome>(carryOut: (order: Order) => Promise<Outcome>): void {
  const answer = (answered: Answer): void => void process.send?.(answered);
  process.on("message", (order: Order) => {
    carryOut(order).then(
      (outcome) => answer({ outcome }),
      (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once("disconnect", () => process.exit());
  answer({ outcome: undefined });
}
