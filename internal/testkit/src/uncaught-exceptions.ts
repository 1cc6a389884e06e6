import { onTestFinished } from "vitest";

/**
 * Keeps uncaught exceptions and unhandled rejections, until the test is over, instead of letting them end the
 * process. The test runner does not hear of them.
 */
export function keepUncaught(): unknown[] {
  const caught: unknown[] = [];
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    const before = process.listeners(event as "uncaughtException");
    process.removeAllListeners(event);
    process.on(event, (error: unknown) => void caught.push(error));
    onTestFinished(() => {
      process.removeAllListeners(event);
      for (const listener of before) process.on(event as "uncaughtException", listener);
    });
  }
  return caught;
}
