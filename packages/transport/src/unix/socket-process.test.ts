import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import {
  ask,
  emittedPackage,
  isRoot,
  leaveStaleSocket,
  OTHER_USER,
  scratchDirectory,
  startPeer,
} from "../../test/scratch.js";
import type { Endpoint, Listener } from "../transport.js";
import { unixSocket } from "./unix-socket.js";

const NAME: Endpoint = { kind: "name" };
/** How a peer runs as another user, where this user may do that. */
const asOtherUser = isRoot ? { uid: OTHER_USER } : {};

const emitted = emittedPackage();

test("lets exactly one of six processes that start at once listen, over a stale socket or not", async () => {
  const directory = scratchDirectory();
  const peers = await Promise.all(Array.from({ length: 6 }, () => startPeer(emitted, directory)));
  for (let round = 0; round < 10; round++) {
    if (round % 2 === 0) await leaveStaleSocket(join(directory, "a.sock"));
    const outcomes = await Promise.all(peers.map((peer) => ask(peer, { order: "listen", name: "a" })));
    expect(outcomes.filter((outcome) => outcome === "listening")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome !== "listening") expect(outcome).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    }
    (await unixSocket({ directory }).dial("a", NAME, {})).destroy();
    await Promise.all(peers.map((peer) => ask(peer, { order: "close" })));
    expect(readdirSync(directory)).toEqual([]);
  }
});

test("lets the next process listen when the listening one is killed", async () => {
  const directory = scratchDirectory();
  const transport = unixSocket({ directory });
  const peer = await startPeer(emitted, directory);
  expect(await ask(peer, { order: "listen", name: "a" })).toBe("listening");
  await expect(transport.listen("a", NAME, () => {}, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  const gone = new Promise((resolve) => peer.once("exit", resolve));
  peer.kill("SIGKILL");
  await gone;
  expect(readdirSync(directory)).toEqual(["a.sock"]);
  const listener = await transport.listen("a", NAME, () => {}, {});
  await listener.close();
  expect(readdirSync(directory)).toEqual([]);
});

describe("a server that ends without a close", () => {
  const ends = ["leave", "exit"] as const;

  test.each(ends)("removes its socket file when its process ends by %s", async (order) => {
    const directory = scratchDirectory();
    const peer = await startPeer(emitted, directory);
    await ask(peer, { order: "listen", name: "a" });
    const gone = once(peer, "exit");
    peer.send({ order });
    expect(await gone).toEqual([0, null]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each(ends)("leaves another server's file when its process ends by %s", async (order) => {
    const directory = scratchDirectory();
    const peer = await startPeer(emitted, directory);
    await ask(peer, { order: "listen", name: "a" });
    await replaceServer(directory, async () => {
      const gone = once(peer, "exit");
      peer.send({ order });
      expect(await gone).toEqual([0, null]);
    });
  });

  test("leaves another server's file when its worker thread is terminated", async () => {
    const directory = scratchDirectory();
    const script = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(workerData.url)
        .then(({ unixSocket }) => unixSocket({ directory: workerData.directory }).listen("a", { kind: "name" }, () => {}, {}))
        .then(() => parentPort.postMessage("listening"));`;
    const url = pathToFileURL(join(emitted, "index.js")).href;
    const worker = new Worker(script, {
      eval: true,
      workerData: { url, directory },
    });
    await once(worker, "message");
    await replaceServer(directory, async () => void (await worker.terminate()));
  });

  /** Starts another server after the file of the first was removed, as a tidy-up does; it must be reached after `end`. */
  async function replaceServer(directory: string, end: () => Promise<void>): Promise<void> {
    const transport = unixSocket({ directory });
    rmSync(join(directory, "a.sock"));
    const listener = await transport.listen("a", NAME, () => {}, {});
    await end();
    expect(readdirSync(directory)).toEqual(["a.sock"]);
    (await transport.dial("a", NAME, {})).destroy();
    await listener.close();
    expect(readdirSync(directory)).toEqual([]);
  }
});

test("names the option that grants access when the socket's mode rejects a client", async () => {
  const directory = scratchDirectory();
  chmodSync(directory, 0o755);
  const listener: Listener = await unixSocket({ directory, unmaskPermissions: true }).listen("a", NAME, () => {}, {});
  // Every user trusts root, so that only the mode can be a reason to reject.
  const peer = await startPeer(emitted, directory, asOtherUser);
  expect(await ask(peer, { order: "dial", name: "a" })).toBe("connected");
  chmodSync(listener.address, 0o000);
  expect(await ask(peer, { order: "dial", name: "a" })).toMatchObject({
    code: "IPC_PERMISSION_DENIED",
    message: expect.stringContaining("`unmaskPermissions: true`"),
  });
  await listener.close();
});

test("names the directory when a server may not write to it", async () => {
  const directory = join(scratchDirectory(), "run");
  mkdirSync(directory);
  const parent = join(directory, "..");
  chmodSync(parent, 0o755);
  chmodSync(directory, 0o555);
  const peer = await startPeer(emitted, directory, asOtherUser);
  expect(await ask(peer, { order: "listen", name: "a" })).toMatchObject({
    code: "IPC_PERMISSION_DENIED",
    message: expect.stringContaining(`right to write to ${directory}`),
  });
  chmodSync(directory, 0o755);
});

test("sheds connections when it has no descriptors left, and recovers", async () => {
  const directory = scratchDirectory();
  const peer = await startPeer(emitted, directory, { maxDescriptors: 64 });
  await ask(peer, { order: "listen", name: "a" });
  const transport = unixSocket({ directory });
  const attempts = Array.from({ length: 100 }, () => transport.dial("a", NAME, {}).then(isServed));
  const served = (await Promise.all(attempts)).filter((outcome) => outcome !== undefined);
  expect(served.length).toBeGreaterThan(0);
  expect(served.length).toBeLessThan(100);
  expect(await ask(peer, { order: "hangUp" })).toBe("hung up");
  const next = await transport.dial("a", NAME, {}).then(isServed);
  expect(next).toBeDefined();
  for (const stream of [...served, next]) stream?.destroy();
});

/** Resolves with the stream when the other side answers, with nothing when it ends instead. */
function isServed(stream: Duplex): Promise<Duplex | undefined> {
  return new Promise((resolve) => {
    stream.once("data", () => resolve(stream));
    stream.once("close", () => resolve(undefined));
    stream.write("ping");
  });
}
