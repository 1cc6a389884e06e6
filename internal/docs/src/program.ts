import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Far more than a snippet needs, and less than a test may take. */
const TIME_LIMIT_MS = 20_000;

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that is ended at the latest when the test is. */
export class Program implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #outcome: Promise<Outcome>;

  constructor(command: string, args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }) {
    this.#process = spawn(command, args, {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIME_LIMIT_MS,
      killSignal: "SIGKILL",
    });
    this.#outcome = this.#watch();
    this.#outcome.catch(() => {});
  }

  /** Resolves when it has ended. */
  get outcome(): Promise<Outcome> {
    return this.#outcome;
  }

  /** Ends it where it has not ended by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#outcome.catch(() => {});
  }

  async #watch(): Promise<Outcome> {
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("both are pipes");
    const [out, err] = await Promise.all([text(stdout), text(stderr), once(this.#process, "close")]);
    return { exitCode: this.#process.exitCode, stdout: out, stderr: err };
  }
}
