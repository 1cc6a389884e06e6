import { types } from "node:util";
import { formatValue } from "@ipc/transport/internal";
import type { Logger } from "./diagnostics.js";
import type { IpcError, IpcErrorCode } from "./errors.js";

/** Describes what a program has thrown, which may be anything, also an error whose getters throw. Never throws. */
export function describeCause(cause: unknown): string {
  const message = types.isNativeError(cause) ? readText(cause, "message") : undefined;
  return message ?? formatValue(cause);
}

/** Returns a property of an error, undefined if it is no text or cannot be read. */
function readText(error: Error, name: "message" | "stack"): string | undefined {
  try {
    const text: unknown = error[name];
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

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
    const detail = types.isNativeError(cause) ? readText(cause, "stack") : undefined;
    process.emitWarning(message, { code, ...(detail !== undefined && { detail }) });
  }
}
