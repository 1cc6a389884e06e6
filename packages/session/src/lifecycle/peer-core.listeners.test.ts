import { memoryPair } from "@ipc/transport";
import { beforeEach, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { collect, failureOf } from "../../../../internal/testkit/src/peer-watch.js";
import { keepWarnings } from "../../../../internal/testkit/src/process-warnings.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { nextTick } from "../../test/recorded-inbox.js";
import { ServingPeer } from "../../test/successive-clients.js";
import { silentLogger } from "../diagnostics.js";
import type { DataMessage } from "../message.js";
import type { Peer } from "../peer.js";
import { SlipReporter } from "../slip-reporter.js";
import { openSession } from "./session.js";

const bug = new TypeError("x is not a function");
const FAILED = { code: "IPC_LISTENER_FAILED", cause: bug };

beforeEach(() => void keepWarnings());

it("a session whose listener fails ends with the cause in lost, in error and in its pending writes", async () => {
  const [stream, farStream] = memoryPair();
  const [near, far] = await Promise.all([
    openSession(stream, { role: "server", maxQueuedBytes: 1_024 }),
    openSession(farStream, { role: "client" }),
  ]);
  untilTestEnds(near);
  untilTestEnds(far);
  const ends = [collect(near, "lost"), collect(near, "error")];
  near.on("message", () => Promise.reject(bug));
  // The kernel takes nothing any more.
  stream._write = () => {};
  void near.write(1, new Uint8Array(2_000));
  const pending = failureOf(near.write(2, "waits"));
  await far.write(1, "a");
  expect(await pending).toMatchObject(FAILED);
  await eventually(() => expect(ends).toMatchObject([[FAILED], [FAILED]]));
});

it("a listener that fails for a message of an earlier client does not end the connection of the next one", async () => {
  const serving = new ServingPeer();
  let fail = (_error: Error): void => {};
  serving.peer.on("message", () => new Promise((_resolve, reject) => (fail = reject)));
  const a = serving.connect("A");
  await serving.send(a, "a1");
  await serving.disconnect(a);
  serving.connect("B");
  fail(bug);
  await nextTick();
  expect(serving.core.isConnected).toBe(true);
  await serving.peer.write(1, "b is served");
});

it.each([
  ["status", true],
  ["lost", false],
] as const)("a listener of %s that fails while a client is connected ends its connection: %s", async (event, ends) => {
  const serving = new ServingPeer();
  serving.peer.on(event, () => Promise.reject(bug));
  serving.connect("A");
  if (event === "lost") serving.core.reader.emit("lost", { code: "IPC_CONNECTION_LOST" } as never);
  await nextTick();
  expect(serving.core.isConnected).toBe(!ends);
});

it("a throw ends the connection after the delivery to every listener", async () => {
  const serving = new ServingPeer();
  const connected: boolean[] = [];
  serving.peer.on("message", () => {
    throw bug;
  });
  serving.peer.on("message", () => connected.push(serving.core.isConnected));
  await serving.send(serving.connect("A"), "a1");
  await nextTick();
  expect([...connected, serving.core.isConnected]).toEqual([true, false]);
});

it("a listener that fails during the close does not change how it ends", async () => {
  const serving = new ServingPeer();
  serving.peer.on("status", (status) => {
    if (status === "Closing") throw bug;
  });
  const client = serving.connect("A");
  void serving.peer.write(1, "last");
  await serving.peer.close();
  expect(serving.peer.status).toBe("Closed");
  await eventually(() => expect(client.received).toEqual(["last"]));
});

it.each(["Disconnected", "Connected"])(
  "a listener that fails for the %s of an earlier client does not end the connection of the next one",
  async (failing) => {
    const serving = new ServingPeer();
    const { peer } = serving;
    peer.pause();
    peer.on("message", () => {});
    const first = serving.connect("first");
    await serving.send(first, "what follows is told when this has been read");
    await serving.disconnect(first);
    await serving.disconnect(serving.connect("second"));
    serving.connect("third");
    const told: string[] = [];
    peer.on("status", (status) => {
      told.push(status);
      if (told.indexOf(failing) === told.length - 1) throw bug;
    });
    peer.resume();
    await eventually(() => expect(told).toEqual(["Disconnected", "Connected", "Disconnected", "Connected"]));
    await nextTick();
    expect(serving.core.isConnected).toBe(true);
  },
);

it.each([
  ["reply", (message: DataMessage) => message.reply(1, "late")],
  ["write", (_message: DataMessage, peer: Peer) => peer.write(1, "late")],
  ["flush", (_message: DataMessage, peer: Peer) => peer.flush()],
] as const)("a listener whose %s comes too late is reported when it was not for its own client", async (_how, call) => {
  const upstream = new ServingPeer();
  await upstream.disconnect(upstream.connect("up"));
  const log: string[] = [];
  const logger = { ...silentLogger, error: (line: string) => void log.push(line) };
  const serving = new ServingPeer(true, new SlipReporter(logger, "server orders"));
  const gone: (() => void)[] = [];
  serving.peer.on("message", async (message) => {
    await new Promise<void>((resolve) => gone.push(resolve));
    await (message.text() === "own" ? call(message, serving.peer) : upstream.peer.write(1, "late"));
  });
  for (const next of ["none", "another"]) {
    const client = serving.connect("A");
    await serving.send(client, "own", "other");
    await serving.disconnect(client);
    if (next === "another") serving.connect("B");
    for (const resolve of gone.splice(0)) resolve();
    await nextTick();
  }
  const reports = log.map((line) => line.replace(/; .*/, ""));
  expect(reports).toEqual(
    Array(2).fill("server orders: `message` listener failed: write: there is no connection now (status: Disconnected)"),
  );
});

it("a listener that fails because the program has closed its peer meanwhile is not reported", async () => {
  const log: string[] = [];
  const logger = { ...silentLogger, error: (line: string) => void log.push(line) };
  const serving = new ServingPeer(true, new SlipReporter(logger, "server orders"));
  let destroyed = (): void => {};
  serving.peer.on("message", async (message) => {
    await new Promise<void>((resolve) => (destroyed = resolve));
    await message.reply(1, "late");
  });
  await serving.send(serving.connect("A"), "a");
  serving.peer.destroy();
  destroyed();
  await nextTick();
  expect(log).toEqual([]);
});
