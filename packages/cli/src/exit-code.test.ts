import { expect, it } from "vitest";
import { CommandError, EXIT, exitCodeOf, UsageError } from "./exit-code.js";

const coded = (code: string, cause?: Error): Error => Object.assign(new Error(code, { cause }), { code });

it.each([
  [new UsageError("x"), 2],
  [new CommandError(EXIT.lost, "x"), 6],
  [new TypeError("an option of the library"), 2],
  [new RangeError("an option of the library"), 2],
  [new Error("a defect"), 1],
  [coded("EACCES"), 1],
  [coded("IPC_NAME_INVALID"), 2],
  [coded("IPC_NO_SERVER"), 3],
  [coded("IPC_SECURITY_REFUSED"), 4],
  [coded("IPC_HANDSHAKE_TIMEOUT"), 5],
  [coded("IPC_CONNECTION_LOST"), 6],
  [coded("IPC_TIMED_OUT"), 5],
])("gives %s the exit code %i", (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

it.each([
  ["IPC_NO_SERVER", 3],
  ["IPC_AUTHENTICATION_FAILED", 4],
  ["IPC_CONNECTION_LOST", 5],
])("gives a client that has waited in vain because of %s the exit code %i", (cause, code) => {
  expect(exitCodeOf(coded("IPC_TIMED_OUT", coded(cause)))).toBe(code);
});
