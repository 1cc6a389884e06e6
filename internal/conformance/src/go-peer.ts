import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { EventLog, type Wait } from "./event-log.js";
import type { Tally } from "./peer-protocol.js";

/** golang-ipc v1.3.5 has no other place for its sockets (vars.go, `SOCKET_NAME_BASE`). */
export const GO_DIRECTORY = "/tmp";

/** How long go-peer may take to leave by itself before it is killed, in milliseconds. */
const EXIT_MS = 2_000;

export interface GoPeerOptions {
  readonly role: "server" | "client";
  readonly name: string;
  readonly encryption: boolean;
  /** Server only: bytes. @default 3_145_728 */
  readonly maxMessageSize?: number;
  /** Client only: of a dial, 0 = for ever. @default 10_000 */
  readonly timeoutMs?: number;
  /** Client only: between two dials. @default 20 */
  readonly retryMs?: number;
  /** `host:port` that a client's socket is carried to, or that a server's is offered on; port 0 picks a free one. */
  readonly bridgeTcp?: string;
}

/** One run of messages. */
export interface Run {
  readonly type?: number;
  readonly count: number;
  /** Bytes of data in each. */
  readonly size: number;
}

/** One line of go-peer's stdout; go-peer/events.go says what each means. */
type GoEvent =
  | { readonly event: "done"; readonly id: number; readonly result?: unknown }
  | { readonly event: "failed"; readonly id: number; readonly message: string }
  | { readonly event: "status"; readonly status: string }
  | { readonly event: "bridged"; readonly address: string }
  | { readonly event: "error" | "fatal"; readonly message: string };

type Outcome = Extract<GoEvent, { readonly id: number }>;

/** Gives a name that no other test, of this process or another, uses at the same time. */
export function uniqueName(): string {
  return `ipc-test-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/**
 * A real golang-ipc endpoint in a process of its own.
 *
 * `await using peer = new GoPeer(…)`: at the end of the block the process is gone, and its socket file as well.
 */
export class GoPeer implements AsyncDisposable {
  /** What golang-ipc or go-peer complained about outside of any command. */
  readonly errors: string[] = [];
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #gone: Promise<void>;
  readonly #outcomes: EventLog<Outcome>;
  readonly #statuses: EventLog<string>;
  readonly #bridges: EventLog<string>;
  #commands = 0;
  #stderr = "";

  /** @param program the path that `buildGoPeer` gave */
  constructor(program: string, options: GoPeerOptions) {
    const { role, name } = options;
    this.#name = name;
    this.#outcomes = new EventLog(`go ${role} ${name}, commands`);
    this.#statuses = new EventLog(`go ${role} ${name}, statuses`);
    this.#bridges = new EventLog(`go ${role} ${name}, bridge`);
    this.#child = spawn(program, flags(options));
    this.#child.stdin.on("error", () => {}); // it is gone: its exit says so
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(JSON.parse(line) as GoEvent));
    this.#gone = new Promise((resolve) => {
      const leave = (reason: string): void => {
        for (const log of [this.#outcomes, this.#statuses, this.#bridges]) log.end(`${reason}\n${this.#stderr}`);
        resolve();
      };
      this.#child.once("error", (error) => leave(error.message));
      this.#child.once("close", (code, signal) => leave(`go-peer has exited with ${signal ?? `code ${code}`}`));
    });
  }

  /** Listens (server), or connects (client): resolves when it may write. */
  async start(wait?: Wait): Promise<void> {
    await this.#run("start", {}, wait);
  }

  /** Sends messages one by one, each after the echo of the one before, and compares every byte. */
  async echo(run: Run, wait?: Wait): Promise<Tally> {
    return (await this.#run("echo", { type: 1, ...run }, wait)) as Tally;
  }

  /** Writes one-way messages. Resolves with what was written: golang-ipc may not have sent it yet, see `report`. */
  async send(run: Omit<Run, "type">, wait?: Wait): Promise<Tally> {
    return (await this.#run("send", run, wait)) as Tally;
  }

  /** Asks the other end what it has received one-way since the last report. All written before has arrived then. */
  async report(wait?: Wait): Promise<Tally> {
    return (await this.#run("report", {}, wait)) as Tally;
  }

  /** Closes in an orderly way, one-way messages settled by a report. Then `start` may follow. */
  async close(wait?: Wait): Promise<void> {
    await this.#run("close", {}, wait);
  }

  /** Resolves when golang-ipc has reported `status`, after the one that was waited for before. */
  async status(status: string, wait?: Wait): Promise<void> {
    await this.#statuses.next(status, (seen) => seen === status, wait);
  }

  /** Resolves with the address of the TCP bridge, `host:port` or a path. */
  bridge(wait?: Wait): Promise<string> {
    return this.#bridges.next("the bridge", () => true, wait);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), EXIT_MS);
    await this.#gone;
    clearTimeout(overdue);
    await rm(`${GO_DIRECTORY}/${this.#name}.sock`, { force: true });
  }

  async #run(command: string, parameters: object, wait?: Wait): Promise<unknown> {
    const id = ++this.#commands;
    this.#child.stdin.write(`${JSON.stringify({ id, command, ...parameters })}\n`);
    const outcome = await this.#outcomes.next(`${command} (${id})`, (seen) => seen.id === id, wait);
    if (outcome.event === "failed") throw new Error(`go ${command}: ${outcome.message}`);
    return outcome.result;
  }

  #take(event: GoEvent): void {
    switch (event.event) {
      case "done":
      case "failed":
        this.#outcomes.push(event);
        break;
      case "status":
        this.#statuses.push(event.status);
        break;
      case "bridged":
        this.#bridges.push(event.address);
        break;
      case "error":
      case "fatal":
        this.errors.push(event.message);
    }
  }
}

function flags({ role, name, encryption, maxMessageSize, timeoutMs, retryMs, bridgeTcp }: GoPeerOptions): string[] {
  const given = ["--role", role, "--name", name, `--encryption=${encryption}`];
  if (maxMessageSize !== undefined) given.push("--max-message-size", `${maxMessageSize}`);
  if (timeoutMs !== undefined) given.push("--timeout-ms", `${timeoutMs}`);
  if (retryMs !== undefined) given.push("--retry-ms", `${retryMs}`);
  if (bridgeTcp !== undefined) given.push("--bridge-tcp", bridgeTcp);
  return given;
}
