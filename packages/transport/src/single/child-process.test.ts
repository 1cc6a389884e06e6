import { EventEmitter } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { memoryPair } from "../memory/memory-stream.js";
import { childProcess } from "./child-process.js";

const NAME = { kind: "name" } as const;
const GONE = "start a new child process, and a client or server with the transport to it";

/** A child with a pipe at descriptor 3, which has ended unless it is open, and whose exit is not known yet. */
class Child extends EventEmitter {
  readonly pid = 7;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly stdio: readonly unknown[];

  constructor({ isOpen = false } = {}) {
    super();
    const [near] = memoryPair();
    if (!isOpen) near.destroy();
    this.stdio = [null, null, null, near, undefined];
  }
}

afterEach(() => void vi.useRealTimers());

test("waits for the child's exit after its pipe has ended, and reports how it ended", async () => {
  const child = new Child();
  const dial = childProcess(child).dial("orders", NAME, {});
  child.signalCode = "SIGKILL";
  child.emit("exit");
  const message = `child process 7 has ended (SIGKILL); ${GONE}`;
  await expect(dial).rejects.toMatchObject({ code: "IPC_PEER_GONE", message });
  expect(child.listenerCount("exit")).toBe(0);
});

test("stops waiting for the exit of a child that has closed its pipe and still runs", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const child = new Child();
  const dial = childProcess(child).dial("orders", NAME, {});
  const message = `the connection to child process 7 has ended; ${GONE}`;
  const checked = expect(dial).rejects.toMatchObject({ code: "IPC_PEER_GONE", message });
  await vi.advanceTimersByTimeAsync(500);
  await checked;
  expect(child.listenerCount("exit")).toBe(0);
});

test("has one connection for all transports of a child: another dial rejects", async () => {
  const child = new Child({ isOpen: true });
  const stream = await childProcess(child).dial("orders", NAME, {});
  await expect(childProcess(child).dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  expect(stream.destroyed).toBe(false);
});

test.each([
  [{ fd: 2 }, RangeError],
  [{ fd: "3" }, TypeError],
  [{ fd: 3, name: "x" }, TypeError],
  [{ fd: 4 }, TypeError],
])("childProcess rejects the options %j", (options, error) => {
  expect(() => childProcess(new Child(), options as never)).toThrow(error);
});
