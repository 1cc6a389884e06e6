import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type GoProgram, installGoTool } from "./go-toolchain.js";

const MODULE = "github.com/nats-io/nats-server/v2";
const VERSION = "v2.15.2";
/** The server's log line when it listens, with the real port in the place of -1. */
const LISTENING = /Listening for client connections on (?:\[?[\d.:]+\]?):(\d+)/;
const READY = /Server is ready/;

/** Builds nats-server, once for each version of it and of Go: two minutes. Without Go there is a reason to skip; under CI it is thrown. */
export function buildNatsServer(): Promise<GoProgram> {
  return installGoTool(MODULE, VERSION);
}

/** Finds the nats-server that is installed, or builds one. */
export async function findNatsServer(): Promise<GoProgram> {
  const child = spawn("nats-server", ["--version"], { stdio: "ignore" });
  const isInstalled = await once(child, "exit").then(
    () => true,
    () => false,
  );
  return isInstalled ? { path: "nats-server" } : buildNatsServer();
}

export interface NatsServerOptions {
  readonly flags?: readonly string[];
  /** The text of its configuration file. */
  readonly config?: string;
  /** The command that runs it elsewhere, where it listens at every address. @default here, on the loopback interface */
  readonly within?: readonly string[];
}

/** A real broker in a process of its own. */
export class NatsServer implements AsyncDisposable {
  readonly #command: readonly [string, ...string[]];
  readonly #directory = mkdtempSync(join(tmpdir(), "ipc-nats-"));
  #child: ChildProcess | undefined;
  #port = -1;

  private constructor(program: string, { flags = [], config = "", within = [] }: NatsServerOptions) {
    const file = join(this.#directory, "nats.conf");
    writeFileSync(file, config);
    const host = within.length === 0 ? "127.0.0.1" : "0.0.0.0";
    const [first = program, ...rest] = [...within, program];
    this.#command = [first, ...rest, "-c", file, "-a", host, ...flags];
  }

  /** Resolves when clients can connect. */
  static async start(program: string, options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(program, options);
    try {
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The id of the current process, or the last one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get port(): number {
    return this.#port;
  }

  /** Starts it again, at the same port. */
  async start(): Promise<void> {
    const [program, ...args] = this.#command;
    const child = spawn(program, [...args, "-p", String(this.#port)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    const log: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      log.push(line);
      const [, port] = LISTENING.exec(line) ?? [];
      if (port !== undefined) this.#port = Number(port);
      if (!READY.test(line)) continue;
      child.stderr.resume();
      return;
    }
    throw new Error(`nats-server did not start:\n${log.join("\n")}`);
  }

  /** Sends a signal; resolves after the end of the process if the signal ends it. */
  async kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    if (signal === "SIGKILL") await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
