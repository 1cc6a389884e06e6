import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";

/** A child process that prints lines; killed after its test. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(command: readonly string[], cwd: string) {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#exit = once(child, "close");
    child.stderr.on("data", (chunk) => {
      this.#errors += chunk;
    });
    const lines: Interface = createInterface(child.stdout);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Waits for the next line. @throws Error with what the process wrote to stderr, when it ended without one */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (!done) return value;
    await this.#exit;
    throw new Error(`the process ended (${this.#child.exitCode}): ${this.#errors.slice(-2_000)}`);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
