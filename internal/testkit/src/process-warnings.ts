import { onTestFinished, vi } from "vitest";

/** Takes the process warnings until the test ends. Returns the arguments that `process.emitWarning` gets, call by call. */
export function keepWarnings(): unknown[][] {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  return warn.mock.calls;
}
