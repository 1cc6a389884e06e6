import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import type { MachineStart, News } from "../src/machine.js";

const PROGRAM = fileURLToPath(new URL("../dist/machine-process.js", import.meta.url));

/** A server or a client in a process of its own, as on a machine of its own. */
export class Machine {
  readonly id: string;
  readonly news: News[] = [];
  readonly #log: string;
  readonly #child: ChildProcess;
  readonly #role: MachineStart["role"];
  /** After its end, and after the last line of its output. */
  readonly #closed: Promise<unknown>;

  private constructor(start: MachineStart, within: readonly string[]) {
    this.id = start.id;
    this.#role = start.role;
    this.#log = start.log;
    const [program = process.execPath, ...args] = [...within, process.execPath, PROGRAM, JSON.stringify(start)];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => this.news.push(JSON.parse(line) as News));
    this.#child = child;
    const read = once(lines, "close");
    this.#closed = once(child, "close").then(() => read);
  }

  /** Resolves when it serves, or is connected. It ends with the test. @param within the command that runs it elsewhere */
  static async start(start: MachineStart, within: readonly string[] = []): Promise<Machine> {
    const machine = new Machine(start, within);
    onTestFinished(() => machine.kill());
    await machine.wait("ready");
    return machine;
  }

  /** What it has taken so far. */
  get taken(): readonly string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8").split("\n").slice(0, -1) : [];
  }

  all(what: News["what"]): readonly News[] {
    return this.news.filter((each) => each.what === what);
  }

  /** Resolves with its line of this kind when there are `count`. */
  wait(what: News["what"], count = 1): Promise<News> {
    return eventually(() => {
      const news = this.all(what)[count - 1];
      if (news === undefined) throw new Error(`${this.id}: no ${what}, but ${JSON.stringify(this.news.slice(-5))}`);
      return news;
    });
  }

  /** Resolves when a client has got answers to messages that it wrote after this call. */
  async progress(): Promise<void> {
    await this.wait("echoed", this.all("echoed").length + 3);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Resolves with its last line, when everything has settled and it has ended by itself. */
  async end(): Promise<News> {
    this.#child.kill("SIGTERM");
    await this.#closed;
    if (this.#child.exitCode !== 0)
      throw new Error(`${this.id} ended with ${this.#child.exitCode ?? this.#child.signalCode}`);
    const last = this.news.at(-1);
    if (last === undefined || (this.#role === "client" && last.what !== "over"))
      throw new Error(`${this.id} ended with the line ${JSON.stringify(last)}`);
    return last;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
