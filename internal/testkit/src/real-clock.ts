import { afterAll, expect } from "vitest";

const LAST_FILE: unique symbol = Symbol.for("the last test file of this process");
const NAMES = [
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "Date",
  "performance",
] as const;

/**
 * Throws if an earlier test file has left a fake clock: it stops the clock of all later files of the process, which then wait for
 * timers that never fire. Called at the start of the next file, because vitest restores each spy after the last hook of a file, and
 * one on a fake timer then puts the fake back.
 */
export function assertRealClock(): void {
  const fakes = NAMES.filter((name) => "clock" in globalThis[name]);
  if (fakes.length > 0) throw new Error(`${fakes.join(", ")}: stopped since ${Reflect.get(globalThis, LAST_FILE)}`);
  afterAll(() => void Reflect.set(globalThis, LAST_FILE, expect.getState().testPath));
}
