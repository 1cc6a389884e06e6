import { memory } from "@ipc/transport";
import { expect, it, onTestFinished, vi } from "vitest";
import { startServerManager } from "./server-manager.js";

it("a broadcast that is not awaited, and that comes after the end, does not reach the process", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));
  const manager = await startServerManager({ name: "news", transport: memory() });
  await manager.close();
  const late = manager.broadcast(1, "late");
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).not.toHaveBeenCalled();
  await expect(late).rejects.toMatchObject({ code: "IPC_CLOSED" });
});
