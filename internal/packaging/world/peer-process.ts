import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
const SHOWN_CHARACTERS = 2_000;
/** Far above the time of any line that a test waits for. */
const LIMIT_MS = 240_000;

/** A child process that prints lines. They go through a file, because Wine gives a Windows program no pipe as stdout. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #output: string;
  #read = 0;

  /** @param output path of the file that the process writes to; beside it, one for its errors */
  constructor(command: readonly string[], cwd: string, output: string, env: NodeJS.ProcessEnv = {}) {
    const [program = "", ...args] = command;
    const files = [output, `${output}.errors`].map((path) => openSync(path, "w"));
    this.#child = spawn(program, args, { cwd, stdio: ["ignore", ...files], env: { ...process.env, ...env } });
    this.#exit = once(this.#child, "exit");
    this.#output = output;
    for (const file of files) closeSync(file);
  }

  /** Waits for the next line. @throws Error when the process ended without one, or was killed because it printed none in time */
  async line(limitMs: number = LIMIT_MS): Promise<string> {
    const end = performance.now() + limitMs;
    for (;;) {
      const { exitCode, signalCode } = this.#child;
      // A part of a line follows the last end of a line.
      const lines = readFileSync(this.#output, "utf8").split(/\r?\n/).slice(0, -1);
      const line = lines[this.#read];
      if (line !== undefined) {
        this.#read++;
        return line;
      }
      const ended = exitCode ?? signalCode;
      if (ended !== null) throw new Error(`the process ended (${ended}): ${this.#errors()}`);
      if (performance.now() > end) {
        await this.kill();
        throw new Error(`the process printed no line in ${limitMs} ms and was killed: ${this.#errors()}`);
      }
      await sleep(POLL_MS);
    }
  }

  #errors(): string {
    return readFileSync(`${this.#output}.errors`, "utf8").slice(-SHOWN_CHARACTERS);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }
}
