import { expect, it, onTestFinished, vi } from "vitest";
import { isSettled, nextTurn, serve } from "../test/served.js";

it("a poll that is not awaited ends the process when a callback fails, not when the manager ends", async () => {
  const unhandled = vi.fn();
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => {
    process.off("unhandledRejection", unhandled);
    for (const other of others) process.on("unhandledRejection", other);
  });
  const { manager } = await serve();
  void manager.read(() => {});
  await manager.close();
  await isSettled(nextTurn());
  expect(unhandled).not.toHaveBeenCalled();
  const second = await serve();
  const mistake = new Error("mistake");
  void second.manager.read(() => Promise.reject(mistake));
  await second.visit();
  await isSettled(nextTurn());
  expect(unhandled.mock.calls.map(([error]) => error)).toEqual([mistake]);
});
