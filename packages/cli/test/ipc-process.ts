import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
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
  /** The id of a user and its group, whose process this is; only root may say so. @default this process's */
  readonly user?: number;
  /** Flags of Node.js. */
  readonly flags?: readonly string[];
}

/** The command in a process of its own, with pipes. It is killed when the test is over. */
export class IpcProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when it has ended. */
  readonly outcome: Promise<Outcome>;
  /** Where the next line begins in stdout. */
  #lineBegin = 0;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], { input, env = {}, user, flags = [] }: StartOptions = {}) {
    this.child = spawn(process.execPath, [...flags, IPC, ...args], {
      env: { ...plainEnvironment(), ...env },
      ...(user !== undefined && { uid: user, gid: user }),
    });
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
    this.outcome = once(child, "close").then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    this.outcome.catch(() => {});
    if (input !== undefined) child.stdin.end(input);
  }

  /** What it has written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with the next line of stdout. Rejects when there is none any more. */
  async line(): Promise<string> {
    const end = await this.#until("a line", () => {
      const newline = this.#stdout.indexOf("\n", this.#lineBegin);
      return newline === -1 ? undefined : newline;
    });
    const line = this.#stdout.slice(this.#lineBegin, end);
    this.#lineBegin = end + 1;
    return line;
  }

  /** Resolves when stderr has the text. Rejects when the command ends without it. */
  async complaint(text: string): Promise<void> {
    await this.#until(JSON.stringify(text), () => (this.#stderr.includes(text) ? true : undefined));
  }

  /** Resolves with what `find` finds in the output, as soon as it finds something. */
  async #until<T>(what: string, find: () => T | undefined): Promise<T> {
    const { child, outcome } = this;
    for (let isOver = false; ; ) {
      const found = find();
      if (found !== undefined) return found;
      if (isOver) {
        const { code, stderr } = await outcome;
        throw new Error(`ipc has ended with ${code} and without ${what}: ${stderr}`);
      }
      const more = [once(child.stdout, "data"), once(child.stderr, "data")];
      for (const each of more) each.catch(() => {});
      isOver = await Promise.race([...more.map((each) => each.then(() => false)), outcome.then(() => true)]);
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
