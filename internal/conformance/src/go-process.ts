import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { EventLog } from "./event-log.js";

/** How long go-peer may take to leave by itself before it is killed, in milliseconds. */
const EXIT_MS = 2_000;

/** One line of go-peer's stdout; go-peer/events.go says what each means. */
type GoEvent =
  | { readonly event: "done"; readonly id: number; readonly result?: unknown }
  | { readonly event: "failed"; readonly id: number; readonly message: string }
  | { readonly event: "status"; readonly client?: number; readonly status: string }
  | { readonly event: "error"; readonly client?: number; readonly message: string }
  | { readonly event: "fatal"; readonly message: string };

type Outcome = Extract<GoEvent, { readonly id: number }>;

/** go-peer in a process of its own: commands go in, events come out. */
export class GoProcess implements AsyncDisposable {
  /** Complaints of golang-ipc or go-peer outside of any command. */
  readonly errors: string[] = [];
  readonly #title: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #gone: Promise<void>;
  readonly #outcomes: EventLog<Outcome>;
  /** By client id; 0 where there is only one connection. */
  readonly #statuses = new Map<number, EventLog<string>>();
  #commands = 0;
  #stderr = "";
  #end: string | undefined;

  /** @param title for messages */
  constructor(program: string, flags: readonly string[], title: string) {
    this.#title = title;
    this.#outcomes = new EventLog(`${title}, commands`);
    this.#child = spawn(program, flags);
    this.#child.stdin.on("error", () => {}); // it is gone: its exit says so
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(JSON.parse(line) as GoEvent));
    this.#gone = new Promise((resolve) => {
      const leave = (reason: string): void => {
        this.#end ??= `${reason}\n${[...this.errors, this.#stderr].join("\n")}`;
        for (const log of [this.#outcomes, ...this.#statuses.values()]) log.end(this.#end);
        resolve();
      };
      this.#child.once("error", (error) => leave(error.message));
      this.#child.once("close", (code, signal) => leave(`go-peer has exited with ${signal ?? `code ${code}`}`));
    });
  }

  /** Resolves with the result of a command. Commands are done one after the other. */
  async command(command: string, parameters: object = {}): Promise<unknown> {
    const id = ++this.#commands;
    this.#child.stdin.write(`${JSON.stringify({ id, command, ...parameters })}\n`);
    const outcome = await this.#outcomes.next(`${command} (${id})`, (seen) => seen.id === id);
    if (outcome.event === "failed") throw new Error(`go ${command}: ${outcome.message}`);
    return outcome.result;
  }

  /** Gives the statuses that golang-ipc reported of a client, 0 where there is only one connection. */
  statuses(client: number): EventLog<string> {
    const known = this.#statuses.get(client);
    if (known !== undefined) return known;
    const log = new EventLog<string>(`${this.#title}, statuses${ofClient(client)}`);
    if (this.#end !== undefined) log.end(this.#end);
    this.#statuses.set(client, log);
    return log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), EXIT_MS);
    await this.#gone;
    clearTimeout(overdue);
  }

  #take(event: GoEvent): void {
    switch (event.event) {
      case "done":
      case "failed":
        this.#outcomes.push(event);
        break;
      case "status":
        this.statuses(event.client ?? 0).push(event.status);
        break;
      case "error":
        this.errors.push(`${event.message}${ofClient(event.client)}`);
        break;
      case "fatal":
        this.errors.push(event.message);
    }
  }
}

function ofClient(client = 0): string {
  return client === 0 ? "" : ` of client ${client}`;
}
