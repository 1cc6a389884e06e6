import { afterEach, expect, it, vi } from "vitest";
import { exampleOptions, stepMs } from "./environment.js";

afterEach(() => {
  vi.restoreAllMocks();
});

it("gives no options when no variable is set", () => {
  expect(exampleOptions({})).toEqual({});
});

it("reads the directory of the socket files, or TCP with golang-ipc's variables", () => {
  expect(exampleOptions({ IPC_DIRECTORY: "/somewhere" })).toEqual({ directory: "/somewhere" });
  const { transport } = exampleOptions({ IPC_NETWORK_HOST: "127.0.0.2", IPC_NETWORK_PORT: "9000" });
  expect(transport?.address("any", { kind: "name" })).toBe("127.0.0.2:9000");
});

it.each([
  ["true", ["debug", "info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["nonsense", []],
])("logs at the level %s", (level, expected) => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  const { logger } = exampleOptions({ IPC_DEBUG: level });
  for (const at of ["debug", "info", "warn", "error"] as const) logger?.[at]("said");
  expect(log.mock.calls.map(([line]) => line)).toEqual(expected.map((at) => `${at}: said`));
});

it.each([
  [undefined, 0],
  ["2", 2_000],
  ["5", 5_000],
  ["6", 6],
  ["20", 20],
])("reads IPC_WAIT as golang-ipc does: %s is %i ms", (wait, ms) => {
  expect(stepMs({ IPC_WAIT: wait })).toBe(ms);
});
