import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { nextTick } from "../../test/recorded-inbox.js";
import { ServingPeer } from "../../test/successive-clients.js";
import { Deferred } from "../deferred.js";
import { SessionError } from "../errors.js";
import { SlipReporter } from "../slip-reporter.js";
import { UnawaitedWrites } from "./unawaited-writes.js";

const full = new SessionError("IPC_QUEUE_FULL", "write queue full");

/** Resolves when the rejections so far have been noted, and their turn of the event loop is over. */
async function settled(): Promise<void> {
  await nextTick();
  await nextTick();
}

/** Waits until the report of what was counted before is due. */
async function reported(): Promise<void> {
  await settled();
  vi.advanceTimersByTime(1_000);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  return () => {
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  };
});

/** Watched writes, with the log and the process warnings. */
function record(): { writes: UnawaitedWrites; log: string[]; warn: ReturnType<typeof vi.spyOn> } {
  const log: string[] = [];
  const line = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  return { writes: new UnawaitedWrites(new SlipReporter(logger, "client logs")), log, warn };
}

it("unawaited writes that are rejected are counted, logged once a second, and warned of once", async () => {
  const { writes, log, warn } = record();
  for (let count = 0; count < 2; count++) void writes.reject(full);
  await settled();
  void writes.reject(full);
  await reported();
  void writes.reject(full);
  await reported();
  const rest =
    "writes were rejected and nothing awaited them, last: write queue full; await each write, or catch its rejection";
  expect(writes.count).toBe(4);
  expect(log).toEqual([`warn client logs: 3 ${rest}`, `debug client logs: 1 ${rest}`]);
  expect(warn.mock.calls).toEqual([[`client logs: 3 ${rest}`, { code: "IPC_WRITE_UNAWAITED", detail: full.stack }]]);
});

it.each([
  ["await", async (write: Promise<void>) => void (await write)],
  ["then", (write: Promise<void>) => write.then(undefined, () => {})],
  ["catch", (write: Promise<void>) => write.catch(() => {})],
  ["finally", (write: Promise<void>) => write.finally(() => {})],
  ["Promise.all", (write: Promise<void>) => Promise.all([write])],
  ["Promise.race", (write: Promise<void>) => Promise.race([write])],
  ["a resolve", (write: Promise<void>) => new Promise<void>((resolve) => resolve(write))],
  ["a return of an async function", (write: Promise<void>) => (async (): Promise<void> => write)()],
])("a write that is handed to %s is awaited, whether it was rejected before or later", async (_how, wait) => {
  const { writes, log, warn } = record();
  const later = new Deferred<void>({ what: "write", onCancel: () => {}, watch: writes });
  const waits = [wait(later.promise), wait(writes.reject(full))];
  later.reject(full);
  await Promise.allSettled(waits);
  await reported();
  expect([writes.count, log, warn.mock.calls]).toEqual([0, [], []]);
});

it("writes that are awaited later in the same second are taken off the count, and are not reported", async () => {
  const { writes, log, warn } = record();
  const batch = [writes.reject(full), writes.reject(full)];
  void writes.reject(full);
  await settled();
  expect(writes.count).toBe(3);
  vi.advanceTimersByTime(999);
  await Promise.allSettled([...batch, ...batch]);
  expect(writes.count).toBe(1);
  vi.advanceTimersByTime(1);
  expect(log).toEqual([expect.stringContaining("warn client logs: 1 writes were rejected")]);
  expect(warn).toHaveBeenCalledTimes(1);
});

it("nothing is reported when everything was awaited in time, and the next report is the first", async () => {
  const { writes, log } = record();
  const late = writes.reject(full);
  await settled();
  await late.catch(() => {});
  await reported();
  expect([writes.count, log]).toEqual([0, []]);
  void writes.reject(full);
  await reported();
  expect(log).toEqual([expect.stringContaining("warn ")]);
});

it("a process that has nothing left to do gets the reports at once, and keeps no listener of its end", async () => {
  // Reports of other tests of this process may wait too, and share the listener.
  const listeners = () => process.listeners("beforeExit").filter(({ name }) => name === "sendAll");
  const [one, other] = [record(), record()];
  void one.writes.reject(full);
  void other.writes.reject(full);
  await settled();
  expect(listeners()).toHaveLength(1);
  listeners()[0]?.(0);
  vi.advanceTimersByTime(1_000);
  expect([one.log.length, other.log.length, listeners().length]).toEqual([1, 1, 0]);
});

it("a write that is awaited after its report is taken off the count", async () => {
  const { writes, log } = record();
  const late = writes.reject(full);
  await reported();
  await late.catch(() => {});
  expect([writes.count, log.length]).toEqual([0, 1]);
});

it("a write that waits and is rejected later is counted when nothing awaits it", async () => {
  const { writes } = record();
  const [rejected, resolved] = [1, 2].map(
    () => new Deferred<void>({ what: "write", onCancel: () => {}, watch: writes }),
  );
  await settled();
  rejected?.reject(full);
  resolved?.resolve();
  await settled();
  expect(writes.count).toBe(1);
});

it("writes of a peer that the program destroys are not counted", async () => {
  const { warn } = record();
  const { peer } = new ServingPeer();
  void peer.write(1, "waits for a client");
  peer.destroy();
  void peer.write(1, "late");
  await settled();
  expect([peer.stats.unawaitedRejections, warn.mock.calls]).toEqual([0, []]);
});

it("the promises derived from a watched write are plain promises", () => {
  const { writes } = record();
  expect(writes.reject(full).catch(() => {}).constructor).toBe(Promise);
});

it("a peer counts them in its stats, over all its connections, whatever the reason", async () => {
  const { warn } = record();
  const serving = new ServingPeer();
  const { peer } = serving;
  void peer.write(0, "a reserved type");
  void peer.writeMessage(undefined as never);
  const client = serving.connect("A");
  void peer.write(1, new Uint8Array(2_000_000));
  await serving.disconnect(client);
  void peer.write(1, "between two connections");
  await settled();
  expect(peer.stats.unawaitedRejections).toBe(4);
  await peer.write(1, "awaited").catch(() => {});
  await settled();
  expect(peer.stats.unawaitedRejections).toBe(4);
  expect(warn.mock.calls.length).toBeLessThanOrEqual(1);
});
