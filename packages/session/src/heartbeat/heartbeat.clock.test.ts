import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { systemClock } from "./heartbeat.js";

async function connected(): Promise<readonly [Socket, Socket]> {
  const path = `${temporaryDirectory()}/clock.sock`;
  const server = createServer().listen(path);
  await once(server, "listening");
  const near = connect(path);
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}

/** Keeps the process busy for so long. */
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it("a process that is busy for many ticks counts one, after it has read the bytes that arrived meanwhile", async () => {
  const [near, far] = await connected();
  const events: string[] = [];
  near.on("data", (data) => events.push(String(data)));
  for (const round of ["a", "b", "c"]) {
    events.length = 0;
    const stop = systemClock.every(1, () => {
      systemClock.afterInput(() => events.push("tick"));
    });
    onTestFinished(stop);
    // A small write to a socket with room goes to the kernel at once.
    far.write(round);
    block(50);
    while (!events.includes("tick")) await nextTurn();
    stop();
    expect(events).toEqual([round, "tick"]);
    await nextTurn();
  }
});

it("a timer that was stopped, and a cancelled wait for input, call nothing", async () => {
  const calls: string[] = [];
  systemClock.every(1, () => calls.push("tick"))();
  systemClock.afterInput(() => calls.push("input"))();
  block(5);
  await nextTurn();
  await nextTurn();
  expect(calls).toEqual([]);
});
