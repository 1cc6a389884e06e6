import { setTimeout } from "node:timers";
import { EXIT, type ExitCode } from "../exit-code.js";

/** How long a command may take to end, in milliseconds: longer than its own limits, such as the one for commands that it has started. */
const GRACE_MS = 3_000;

/** Ends a command early: SIGINT, SIGTERM, SIGHUP, or a reader of stdout that has gone. */
export class Stop {
  readonly #controller = new AbortController();
  #code: ExitCode | undefined;

  constructor() {
    process.on("SIGINT", () => this.#end(EXIT.interrupted));
    process.on("SIGTERM", () => this.#end(EXIT.terminated));
    // The terminal has gone; what was started must end, too.
    process.on("SIGHUP", () => this.#end(EXIT.hungUp));
    process.stdout.on("error", (error) => this.#onOutputError(error));
    // Without a place for complaints there is nothing to complain about.
    process.stderr.on("error", () => {});
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code that the end asks for; undefined while there is none. */
  get code(): ExitCode | undefined {
    return this.#code;
  }

  #onOutputError(error: NodeJS.ErrnoException): void {
    // `ipc … | head -3` has what it wants.
    if (error.code === "EPIPE") this.#end(EXIT.done);
    else if (this.#code === undefined) {
      process.stderr.write(`error: cannot write to stdout: ${error.message}\n`);
      this.#end(EXIT.failed);
    }
  }

  /** The first time the command may print its summary, and close; the second time nothing is waited for. */
  #end(code: ExitCode): void {
    if (this.#code !== undefined && code !== EXIT.done) process.exit(code);
    if (this.#code !== undefined) return;
    this.#code = code;
    this.#controller.abort();
    // Output that no reader takes from stdout, and whatever knows no signal, would keep the process.
    setTimeout(() => process.exit(code), GRACE_MS).unref();
  }
}
