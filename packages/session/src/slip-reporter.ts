import { types } from "node:util";
import type { Logger } from "./diagnostics.js";
import type { IpcError, IpcErrorCode } from "./errors.js";

/**
 * Reports what the program that uses a peer does wrong and no caller gets to know: a log line each, and for the first of each kind a
 * process warning, because the default logger is silent.
 */
export class SlipReporter {
  readonly #logger: Logger;
  /** The peer, as log lines name it. */
  readonly #where: string;
  readonly #warned = new Set<IpcErrorCode>();

  constructor(logger: Logger, where: string) {
    this.#logger = logger;
    this.#where = where;
  }

  report(error: IpcError, level: "error" | "warn" | "debug"): void {
    const { code, cause } = error;
    const message = `${this.#where}: ${error.message}`;
    this.#logger[level](message);
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    const detail = types.isNativeError(cause) ? cause.stack : undefined;
    process.emitWarning(message, { code, ...(detail !== undefined && { detail }) });
  }
}
