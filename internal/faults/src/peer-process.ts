import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command, Told } from "./command.js";
import type { Side } from "./fault-plan.js";

/** Compiled, also where the runner itself is run from its source. */
const PROGRAM = fileURLToPath(new URL("../dist/peer-program.js", import.meta.url));

type Kind = Told["kind"];
type ToldOf<K extends Kind> = Extract<Told, { readonly kind: K }>;

interface Listener {
  readonly kinds: readonly Kind[];
  readonly resolve: (told: Told) => void;
  readonly reject: (error: Error) => void;
}

/** The runner's end of a process that plays one side. */
export class PeerProcess {
  readonly #side: Side;
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  #heard: Told[] = [];
  #listeners: Listener[] = [];
  #failure: Error | undefined;
  #errors = "";

  private constructor(side: Side, program: string) {
    this.#side = side;
    this.#child = fork(program, [side], { execArgv: [], stdio: ["ignore", "inherit", "pipe", "ipc"] });
    this.#child.on("message", (told: Told) => this.#hear(told));
    this.#exit = this.#watch();
  }

  static async start(side: Side, program: string = PROGRAM): Promise<PeerProcess> {
    const peer = new PeerProcess(side, program);
    await peer.next("ready");
    return peer;
  }

  send(command: Command): void {
    // A process that is gone is told by its exit.
    this.#child.send(command, () => {});
  }

  /** The next thing of these kinds that it tells. Rejects when the process ends, or tells that something is broken. */
  next<K extends Kind>(...kinds: K[]): Promise<ToldOf<K>> {
    const index = this.#heard.findIndex((told) => (kinds as Kind[]).includes(told.kind));
    if (index >= 0) return Promise.resolve(this.#heard.splice(index, 1)[0] as ToldOf<K>);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#listeners.push({ kinds, resolve: resolve as (told: Told) => void, reject });
    });
  }

  /** Before another run: forgets the news of the last one, and its listeners. */
  forget(): void {
    this.#heard = [];
    this.#listeners = [];
  }

  /** Lets the process end by itself, and says with what code it did. */
  async close(): Promise<number | null> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exit;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Resolves when the process has ended and said all it had to say. */
  async #watch(): Promise<void> {
    const { stderr } = this.#child;
    stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#errors += chunk;
    });
    // Not 'close': that never comes when this end of the channel was the one that disconnected.
    const [[code, signal]] = await Promise.all([once(this.#child, "exit"), stderr && once(stderr, "close")]);
    this.#fail(new Error(`the ${this.#side}'s process ended with ${code ?? signal}:\n${this.#errors}`));
  }

  #hear(told: Told): void {
    if (told.kind === "broken") {
      this.#fail(new Error(`the ${this.#side}: ${told.message}`));
      return;
    }
    const listener = this.#listeners.find(({ kinds }) => kinds.includes(told.kind));
    if (listener === undefined) {
      this.#heard.push(told);
      return;
    }
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    listener.resolve(told);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const { reject } of listeners) reject(error);
  }
}
