import { type ChildProcess, spawn } from "node:child_process";
import { clearTimeout, setTimeout } from "node:timers";
import { CommandError, EXIT } from "../exit-code.js";

/** The longest answer, in bytes: the longest message of a server that sets no other limit. */
const MAX_ANSWER_BYTES = 3_145_728;
/** How long a command may take to end after SIGTERM before it is killed, in milliseconds. */
const GRACE_MS = 1_000;

/** Windows has no groups of processes: what a command has started there stays. */
const HAS_GROUPS = process.platform !== "win32";

/** Runs a command for each message, some at once, and ends all of them together. */
export class AnswerCommand {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #children = new Set<ChildProcess>();
  /** The messages that wait for a command to end. */
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #isOver = false;

  /** @param jobs how many run at once */
  constructor(command: string, args: readonly string[], jobs: number) {
    this.#command = command;
    this.#args = args;
    this.#free = jobs;
    // Whatever ends this process, a second SIGINT or an exception.
    process.once("exit", this.#kill);
  }

  /**
   * Runs the command with a message on stdin; resolves with what it prints.
   * @throws CommandError when it cannot be started, ends with another code than 0, or prints more than a message may have
   */
  async answer(message: Uint8Array): Promise<Buffer> {
    if (this.#free === 0) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await this.#run(message);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** Ends all commands that run, with what they have started; those that ignore SIGTERM are killed. Resolves when all have ended. */
  async end(): Promise<void> {
    this.#isOver = true;
    const ends = [...this.#children].map((child) => new Promise<void>((resolve) => void child.once("close", resolve)));
    for (const child of this.#children) signalGroup(child, "SIGTERM");
    const kill = setTimeout(this.#kill, GRACE_MS);
    await Promise.all(ends);
    clearTimeout(kill);
    process.off("exit", this.#kill);
  }

  readonly #kill = (): void => {
    for (const child of this.#children) {
      signalGroup(child, "SIGKILL");
      // A process that has left the group may hold the other end of the pipe.
      child.stdout?.destroy();
    }
  };

  #run(message: Uint8Array): Promise<Buffer> {
    const what = this.#command;
    if (this.#isOver) throw new CommandError(EXIT.failed, `${what}: not started, because the server ends`);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new CommandError(EXIT.failed, `${what}: ${why}`));
      // In a group of its own: with the command, what it has started ends too.
      const child = spawn(what, this.#args, { stdio: ["pipe", "pipe", "inherit"], detached: HAS_GROUPS });
      child.once("error", (error) => fail(error.message));
      // Without a free descriptor there are no pipes, and the error above comes without "close".
      if (child.stdout === undefined) return;
      this.#children.add(child);
      const chunks: Buffer[] = [];
      let length = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
        else signalGroup(child, "SIGKILL");
      });
      child.once("close", (code, signal) => {
        this.#children.delete(child);
        if (length > MAX_ANSWER_BYTES) fail(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
        else if (code === 0) resolve(Buffer.concat(chunks, length));
        else fail(signal === null ? `ended with ${code}` : `ended by ${signal}`);
      });
      // A command need not read its message.
      child.stdin.on("error", () => {});
      child.stdin.end(message);
    });
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(HAS_GROUPS ? -pid : pid, signal);
  } catch {
    // It has ended.
  }
}
