import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Calls, ProgramMessage } from "./calls.js";

/** A program whose calls are short hangs when one takes as long as this, in milliseconds, on any machine. */
export const PATIENCE_MS = 60_000;

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Flags of Node. */
  readonly flags?: readonly string[];
  /** Files that it may have open. */
  readonly descriptors?: number;
  /** A call or a wait for news that takes longer, in milliseconds, fails. @default no limit */
  readonly patienceMs?: number;
}

interface News {
  readonly kind: string;
}

/** Something that this end waits for. `isFor` tells whether a message settles it, and `settle` takes that message. */
interface Wait {
  readonly isFor: (message: ProgramMessage) => boolean;
  readonly settle: (message: ProgramMessage) => void;
  readonly reject: (error: Error) => void;
}

/** The parent's end of a process that runs a program of this package: calls its functions, and waits for its news. */
export class Child<C extends Calls = Calls, N extends News = never> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  readonly #patienceMs: number | undefined;
  #unheard: ProgramMessage[] = [];
  #waits: Wait[] = [];
  #lastId = 0;
  #failure: Error | undefined;
  #errors = "";

  private constructor(program: string, { args = [], flags = [], descriptors, patienceMs }: ChildOptions) {
    this.#name = [program, ...args].join(" ");
    this.#patienceMs = patienceMs;
    // Compiled, also where this process runs from the source. An absolute URL is a program of a test.
    const path = fileURLToPath(new URL(program.includes(":") ? program : `../../dist/${program}.js`, import.meta.url));
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const words = [process.execPath, ...flags, path, ...args];
    this.#child = spawn("sh", ["-c", `${limit}exec "$@"`, "sh", ...words], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    this.#child.on("message", (message: ProgramMessage) => this.#take(message));
    this.#exit = this.#watch();
  }

  /** Resolves when the program can be called. */
  static async start<C extends Calls, N extends News = never>(
    program: string,
    options: ChildOptions = {},
  ): Promise<Child<C, N>> {
    const child = new Child<C, N>(program, options);
    await child.#wait("become ready", ({ kind }) => kind === "ready");
    return child;
  }

  /** Rejects when the process ends, the program breaks, or the patience is at its end. */
  async call<K extends keyof C & string>(name: K, ...[argument]: Parameters<C[K]>): Promise<Awaited<ReturnType<C[K]>>> {
    const id = ++this.#lastId;
    const answered = this.#wait(`answer ${name}`, (message) => message.kind === "result" && message.id === id);
    // The exit tells when the process is gone.
    this.#child.send({ id, name, argument }, () => {});
    const message = await answered;
    return (message.kind === "result" ? message.result : undefined) as Awaited<ReturnType<C[K]>>;
  }

  /** The next news of this kind. Rejects as a call does. */
  async next<K extends N["kind"]>(kind: K): Promise<Extract<N, { readonly kind: K }>> {
    const isWanted = (message: ProgramMessage): boolean => message.kind === "news" && message.news.kind === kind;
    const index = this.#unheard.findIndex(isWanted);
    const found = index < 0 ? await this.#wait(`report ${kind}`, isWanted) : this.#unheard.splice(index, 1)[0];
    return (found?.kind === "news" ? found.news : undefined) as Extract<N, { readonly kind: K }>;
  }

  /** Forgets the news so far and every wait: they belong to work that is over. */
  forget(): void {
    this.#unheard = [];
    this.#waits = [];
  }

  /** Stops the process where it stands, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Kills it, as `kill -9` does. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Lets the process end by itself, with exit code 0: nothing may keep it alive. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#inTime("end", this.#exit);
    if (this.#child.exitCode !== 0) throw this.#failure ?? new Error(`${this.#name}: its process has not ended`);
  }

  #wait(what: string, isFor: Wait["isFor"]): Promise<ProgramMessage> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const settled = new Promise<ProgramMessage>((settle, reject) => this.#waits.push({ isFor, settle, reject }));
    return this.#inTime(what, settled);
  }

  async #inTime<T>(what: string, promise: Promise<T>): Promise<T> {
    if (this.#patienceMs === undefined) return promise;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const message = `${this.#name}: did not ${what} within ${this.#patienceMs} ms`;
      timer = setTimeout(() => reject(new Error(message)), this.#patienceMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the process has ended and everything that it wrote has come. */
  async #watch(): Promise<void> {
    const { stderr } = this.#child;
    stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#errors += chunk;
    });
    // Not "close": it never comes when this end of the channel was the one that disconnected.
    const [[code, signal]] = await Promise.all([once(this.#child, "exit"), stderr && once(stderr, "close")]);
    this.#fail(new Error(`${this.#name}: its process ended with ${code ?? signal}:\n${this.#errors}`));
  }

  #take(message: ProgramMessage): void {
    if (message.kind === "broken") {
      this.#fail(new Error(`${this.#name}: ${message.message}`));
      return;
    }
    const wait = this.#waits.find(({ isFor }) => isFor(message));
    this.#waits = this.#waits.filter((other) => other !== wait);
    if (wait !== undefined) wait.settle(message);
    else if (message.kind === "news") this.#unheard.push(message);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waits = this.#waits;
    this.#waits = [];
    for (const { reject } of waits) reject(error);
  }
}
