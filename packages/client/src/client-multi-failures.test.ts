import type { Endpoint } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { giveId, nextAsker } from "../../../internal/testkit/src/far-manager.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

const name = "orders";
const MANAGER: Endpoint = { kind: "manager" };
const slot = (id: number): Endpoint => ({ kind: "slot", id });

/** Does what a manager, or a slot in the directory, does to a client. */
type Play = (manager: FarServer, directory: string) => unknown;

/** Plays a manager, and a slot that says `hello` and ends. */
async function turnAway(manager: FarServer, directory: string, hello: Uint8Array): Promise<void> {
  const place = await FarServer.listen(directory, name, slot(4));
  await giveId(manager, 4);
  (await place.next()).end(hello);
}

describe("a client with multiClient asks again after", () => {
  it.each<[string, Play]>([
    ["a manager that ends", async (manager) => (await manager.next()).end()],
    ["one that is busy", async (manager) => (await manager.next()).end(Uint8Array.of(2, 255))],
    ["one that ends when it is asked", async (manager) => (await nextAsker(manager)).close()],
    ["one that cuts when it is asked", async (manager) => (await nextAsker(manager)).destroy()],
    ["an id of 0, and the end", async (manager) => (await giveId(manager, 0)).close()],
    [
      "nonsense",
      async (manager) => {
        const raw = new RawPeer(await manager.next());
        await raw.serve();
        raw.write(0, 0, 0, 1, 7);
      },
    ],
    ["a slot that is busy", (manager, directory) => turnAway(manager, directory, Uint8Array.of(2, 255))],
    ["a slot that ends", (manager, directory) => turnAway(manager, directory, Uint8Array.of())],
    ["a slot that talks nonsense", (manager, directory) => turnAway(manager, directory, Uint8Array.of(2, 77))],
  ])("%s", async (_what, play) => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(8));
    const starting = startClient({ name, directory, encryption: false, multiClient: true, retryMs: 1 });
    await play(manager, directory);
    await giveId(manager, 8);
    await place.session();
    expect(untilTestEnds(await starting).clientId).toBe(8);
    expect(manager.connections).toBe(2);
  });

  it("a manager that never answers, when the time of a handshake is over (golang-ipc: row 32)", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(2));
    const pass = stopClock();
    const starting = startClient({ name, directory, multiClient: true, retryMs: 1 });
    const silent = await nextAsker(manager);
    pass(5_000);
    await readUntil(silent, "Disconnected");
    // The timer that keeps the process alive and the pause.
    await eventually(() => expect(vi.getTimerCount()).toBe(2));
    pass(1);
    await giveId(manager, 2);
    await place.session();
    untilTestEnds(await starting);
  });
});

describe("startClient with multiClient and retry: false rejects with", () => {
  async function failAgainst(play: Play, more = {}): Promise<Error & { code?: string }> {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const failing = failureOf(startClient({ name, directory, multiClient: true, retry: false, ...more }));
    await play(manager, directory);
    return failing;
  }

  it("IPC_NO_SERVER and the manager's path when there is no manager", async () => {
    const directory = temporaryDirectory();
    await FarServer.listen(directory, name);
    expect(await failureOf(startClient({ name, directory, multiClient: true, retry: false }))).toMatchObject({
      code: "IPC_NO_SERVER",
      message: expect.stringContaining(`${directory}/orders_manager.sock`),
    });
  });

  it.each<[string, string, Play]>([
    ["IPC_SERVER_BUSY", "a busy manager", async (manager) => (await manager.next()).end(Uint8Array.of(2, 255))],
    ["IPC_HANDSHAKE_FAILED", "one that ends unasked", async (manager) => (await nextAsker(manager)).close()],
    [
      "IPC_ENCRYPTION_REFUSED",
      "one without encryption",
      async (manager) => (await manager.next()).write(Buffer.of(2, 0)),
    ],
    ["IPC_SERVER_BUSY", "a busy slot", (manager, directory) => turnAway(manager, directory, Uint8Array.of(2, 255))],
    [
      "IPC_VERSION_MISMATCH",
      "a slot of another version",
      (manager, directory) => turnAway(manager, directory, Uint8Array.of(3, 1)),
    ],
  ])("%s when it meets %s", async (code, _what, play) => {
    expect(await failAgainst(play)).toMatchObject({ code });
  });

  it("IPC_HANDSHAKE_TIMEOUT when the manager does not answer", async () => {
    const pass = stopClock();
    const failure = await failAgainst(async (manager) => {
      await nextAsker(manager);
      pass(5_000);
    });
    expect(failure).toMatchObject({
      code: "IPC_HANDSHAKE_TIMEOUT",
      message: expect.stringContaining("client id request failed: the manager of `orders` sent no id within 5000 ms"),
    });
  });
});
