import { expect, it, onTestFinished, vi } from "vitest";
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

/** Watched writes, with the log and the process warnings. */
function record(): { writes: UnawaitedWrites; log: string[]; warn: ReturnType<typeof vi.spyOn> } {
  const log: string[] = [];
  const line = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  return { writes: new UnawaitedWrites(new SlipReporter(logger, "client logs")), log, warn };
}

it("unawaited writes that are rejected are counted, logged once for each turn, and warned of once", async () => {
  const { writes, log, warn } = record();
  for (let count = 0; count < 3; count++) void writes.reject(full);
  await settled();
  void writes.reject(full);
  await settled();
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
  await settled();
  expect([writes.count, log, warn.mock.calls]).toEqual([0, [], []]);
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

it("what follows from a watched write is a plain promise", () => {
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
