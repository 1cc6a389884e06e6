import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What takes as long as this, in milliseconds, on whatever machine, hangs. */
const PATIENCE_MS = 60_000;

/** What every program here can tell: that something came to pass which must never. */
interface Broken {
  readonly kind: "broken";
  readonly message: string;
}

interface Listener<News> {
  readonly kind: string;
  readonly resolve: (news: News) => void;
  readonly reject: (error: Error) => void;
}

/** The runner's end of a process that runs a program of this folder, obeys orders and tells news. */
export class ChildProgram<Order extends object, News extends { readonly kind: string }> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #unheard: (News | Broken)[] = [];
  #listeners: Listener<News>[] = [];
  #failure: Error | undefined;

  private constructor(program: string, args: readonly string[]) {
    this.#name = [program, ...args].join(" ");
    // Compiled, also where the runner itself is run from its source.
    const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url));
    this.#child = fork(path, args, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (news: News | Broken) => this.#hear(news));
    this.#exit = once(this.#child, "exit").then(([code, signal]) => {
      this.#fail(new Error(`${this.#name}: its process ended with ${String(code ?? signal)}`));
    });
  }

  /** Resolves when the program obeys. */
  static async start<Order extends object, News extends { readonly kind: string }>(
    program: string,
    ...args: readonly string[]
  ): Promise<ChildProgram<Order, News>> {
    const child = new ChildProgram<Order, News>(program, args);
    await child.next("ready");
    return child;
  }

  /** The next news of that kind. Rejects when the process ends, or tells that something is broken, or says nothing for long. */
  async next<K extends News["kind"] | "ready">(kind: K): Promise<Extract<News, { readonly kind: K }>> {
    type Wanted = Extract<News, { readonly kind: K }>;
    const index = this.#unheard.findIndex((news) => news.kind === kind);
    if (index >= 0) return this.#unheard.splice(index, 1)[0] as Wanted;
    if (this.#failure !== undefined) throw this.#failure;
    const told = new Promise<Wanted>((resolve, reject) => {
      this.#listeners.push({ kind, resolve: resolve as (news: News) => void, reject });
    });
    return this.#inTime(told, `does not tell ${kind}`);
  }

  /** Gives an order and resolves with what it leads to. */
  async ask<K extends News["kind"]>(order: Order, kind: K): Promise<Extract<News, { readonly kind: K }>> {
    // A process that is gone is told by its exit.
    this.#child.send(order, () => {});
    return this.next(kind);
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

  /** Lets the process end by itself, which it must do well: nothing may keep it alive. */
  async end(): Promise<void> {
    this.#child.disconnect();
    await this.#inTime(this.#exit, "does not end");
    if (this.#child.exitCode !== 0) throw this.#failure ?? new Error(`${this.#name}: ended badly`);
  }

  async #inTime<T>(promise: Promise<T>, missing: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.#name}: hangs, it ${missing}`)), PATIENCE_MS);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(news: News | Broken): void {
    if (news.kind === "broken") {
      this.#fail(new Error(`${this.#name}: ${(news as Broken).message}`));
      return;
    }
    const listener = this.#listeners.find(({ kind }) => kind === news.kind);
    if (listener === undefined) {
      this.#unheard.push(news);
      return;
    }
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    listener.resolve(news as News);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const { reject } of listeners) reject(error);
  }
}
