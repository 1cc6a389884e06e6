import { expect, it, vi } from "vitest";
import { isolateLogger, type Logger } from "./diagnostics.js";

it("passes each level to the logger, with that as `this`", () => {
  const told: string[] = [];
  class Recorder implements Logger {
    readonly prefix = "told";
    debug(message: string): void {
      told.push(`${this.prefix} debug ${message}`);
    }
    info(message: string): void {
      told.push(`${this.prefix} info ${message}`);
    }
    warn(message: string): void {
      told.push(`${this.prefix} warn ${message}`);
    }
    error(message: string): void {
      told.push(`${this.prefix} error ${message}`);
    }
  }
  const logger = isolateLogger(new Recorder());
  for (const level of ["debug", "info", "warn", "error"] as const) logger[level]("x");
  expect(told).toEqual(["told debug x", "told info x", "told warn x", "told error x"]);
});

it("turns an exception of a logger into an uncaught exception of its own tick", () => {
  const failure = new Error("disk full");
  const fail = (): never => {
    throw failure;
  };
  const scheduled = vi.spyOn(process, "nextTick").mockImplementation(() => {});
  const logger = isolateLogger({ debug: fail, info: fail, warn: fail, error: fail });
  logger.warn("what happened");
  const [rethrow] = scheduled.mock.calls[0] as [() => void];
  scheduled.mockRestore();
  expect(rethrow).toThrow(failure);
});
