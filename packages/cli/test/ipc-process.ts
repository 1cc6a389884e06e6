import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The built command. */
export const IPC = fileURLToPath(new URL("../dist/ipc.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** What the command reads; it ends after that. Undefined: stdin stays open until `stdin` is ended. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node.js. */
  readonly flags?: readonly string[];
}

/** The command in a process of its own, with pipes. It is killed when the test is over. */
export class IpcProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when it has ended. */
  readonly outcome: Promise<Outcome>;
  readonly #lines: AsyncIterator<string>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], { input, env = {}, flags = [] }: StartOptions = {}) {
    this.child = spawn(process.execPath, [...flags, IPC, ...args], { env: { ...plainEnvironment(), ...env } });
    const { child } = this;
    onTestFinished(() => void child.kill("SIGKILL"));
    // The command may end before it has read everything.
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.outcome = once(child, "close").then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    this.outcome.catch(() => {});
    if (input !== undefined) child.stdin.end(input);
  }

  /** Resolves with the next line of stdout. Rejects when there is none any more. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done !== true) return value;
    const { code, stderr } = await this.outcome;
    throw new Error(`ipc has ended with ${code}: ${stderr}`);
  }

  /** Resolves when stderr has the text. Rejects when the command ends without it. */
  async complaint(text: string): Promise<void> {
    const { child } = this;
    while (!this.#stderr.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        const { code, stderr } = await this.outcome;
        if (stderr.includes(text)) return;
        throw new Error(`ipc has ended with ${code} and without ${JSON.stringify(text)}: ${stderr}`);
      }
      await Promise.race([once(child.stderr, "data"), this.outcome]);
    }
  }
}

/** Runs the command to its end with nothing on stdin. */
export function runIpc(args: readonly string[], options: StartOptions = {}): Promise<Outcome> {
  return new IpcProcess(args, { input: "", ...options }).outcome;
}

/** The environment of a user without wishes about colours. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...rest } = process.env;
  return rest;
}
