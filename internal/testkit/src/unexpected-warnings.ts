import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, expect } from "vitest";

/**
 * Makes the current test file fail for each warning of the packages. A write that nothing awaits, or a listener that fails, is a slip
 * of the program, and a process warning says so. In a test it is a slip of the test, unless the test expects the warning and looks
 * for it.
 */
export function rejectWarnings(): void {
  const slips: string[] = [];
  const note = ({ message, ...warning }: Error): void => {
    const { code, detail } = warning as { readonly code?: string; readonly detail?: string };
    if (code?.startsWith("IPC_")) slips.push(`${code}: ${message}\n${detail}`);
  };
  process.on("warning", note);
  afterAll(async () => {
    // A rejection in this turn of the event loop is noted in the next one.
    await nextTurn();
    await nextTurn();
    // The reports that wait for their time are due at the end of the process. Here they are due at the end of each file.
    process.emit("beforeExit", 0);
    await nextTurn();
    process.off("warning", note);
    expect(slips).toEqual([]);
  });
}
