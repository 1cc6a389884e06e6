import { setImmediate } from "node:timers/promises";
import type { Session } from "@ipc/session";
import type { Endpoint } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { giveId, nextAsker } from "../../../internal/testkit/src/far-manager.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "./client.js";
import type { ClientOptions } from "./client-options.js";

const name = "orders";
const MANAGER: Endpoint = { kind: "manager" };
const slot = (id: number): Endpoint => ({ kind: "slot", id });

interface Stage {
  readonly words: string;
  /** Plays the other side up to there; resolves with what says that the client has let go of it. */
  readonly reach: (manager: FarServer, directory: string) => Promise<() => Promise<unknown>>;
}

/** How far a dial with multiClient has got. */
const STAGES: readonly Stage[] = [
  {
    words: "shaking hands with the manager",
    reach: async (manager) => {
      const raw = new RawPeer(await manager.next());
      raw.write(2, 1);
      await raw.read(1 + 97);
      return () => raw.gone;
    },
  },
  {
    words: "waiting for its id",
    reach: async (manager) => {
      const asker = await nextAsker(manager);
      return () => readUntil(asker, "Disconnected");
    },
  },
  {
    words: "waiting for its slot to appear",
    reach: async (manager) => {
      const asker = await giveId(manager, 1);
      return () => readUntil(asker, "Disconnected");
    },
  },
  {
    words: "shaking hands at its slot",
    reach: async (manager, directory) => {
      const place = await FarServer.listen(directory, name, slot(1));
      const asker = await giveId(manager, 1);
      const raw = new RawPeer(await place.next());
      raw.write(2, 1);
      await raw.read(1 + 97);
      return () => Promise.all([raw.gone, readUntil(asker, "Disconnected")]);
    },
  },
];

interface Place {
  readonly directory: string;
  readonly manager: FarServer;
  readonly options: ClientOptions;
}

async function open(more: Partial<ClientOptions> = {}): Promise<Place> {
  const directory = temporaryDirectory();
  const manager = await FarServer.listen(directory, name, MANAGER);
  const options = { name, directory, multiClient: true, retryMs: 1, handshakeTimeoutMs: 1_000_000, ...more };
  return { directory, manager, options };
}

/** A client that stands in its slot, and is there alone. */
async function connected(more: Partial<ClientOptions> = {}): Promise<Place & { client: Client; session: Session }> {
  const place = await open(more);
  const far = await FarServer.listen(place.directory, name, slot(7));
  const starting = startClient(place.options);
  await giveId(place.manager, 7);
  const session = await far.session();
  await far.close();
  return { ...place, session, client: untilTestEnds(await starting) };
}

describe.each(STAGES)("a start that is $words", ({ reach }) => {
  it("ends when its signal is aborted, and leaves no connection or timer", async () => {
    stopClock();
    const controller = new AbortController();
    const { manager, directory, options } = await open({ signal: controller.signal, timeoutMs: 1_000_000 });
    const failing = failureOf(startClient(options));
    const letGo = await reach(manager, directory);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await failing).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await letGo();
    await setImmediate();
    expect(manager.connections).toBe(1);
  });

  it("ends after timeoutMs, one deadline for all its steps, and leaves no connection or timer (golang-ipc: row 32)", async () => {
    const pass = stopClock();
    const { manager, directory, options } = await open({ timeoutMs: 500_000, retryMs: 900_000 });
    const failing = failureOf(startClient(options));
    pass(400_000);
    const letGo = await reach(manager, directory);
    pass(100_000);
    expect(await failing).toMatchObject({
      code: "IPC_TIMED_OUT",
      message: expect.stringMatching(/^timed out trying to connect to .*orders_manager\.sock: 1 attempts in 500000 ms/),
    });
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await letGo();
  });
});

describe.each(STAGES)("a redial that is $words", ({ reach }) => {
  async function lose(more: Partial<ClientOptions> = {}): Promise<{
    client: Client;
    letGo: () => Promise<unknown>;
    manager: FarServer;
    pass: (ms: number) => void;
  }> {
    const pass = stopClock();
    const { client, session, manager, directory } = await connected(more);
    session.destroy();
    await readUntil(client, "Reconnecting");
    await setImmediate();
    pass(1);
    const letGo = await reach(manager, directory);
    return { client, letGo, manager, pass };
  }

  it("ends when the client closes, and leaves no connection or timer", async () => {
    const { client, letGo, manager } = await lose();
    await client.close();
    expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await letGo();
    await setImmediate();
    expect(manager.connections).toBe(2);
  });

  it("ends when the client is destroyed, and leaves no connection or timer", async () => {
    const { client, letGo, manager } = await lose();
    client.destroy();
    expect(await readToEnd(client)).toEqual(["Closed", "IPC_CLOSED"]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await letGo();
    await setImmediate();
    expect(manager.connections).toBe(2);
  });

  it("ends after timeoutMs, and leaves no connection or timer", async () => {
    const { client, letGo, pass } = await lose({ timeoutMs: 500_000 });
    pass(500_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await letGo();
  });
});

/** A manager that does not end its side, as golang-ipc's: a client that leaves waits for that, for a while. */
async function giveIdAndStay(manager: FarServer, id: number): Promise<RawPeer> {
  const stream = await manager.next();
  stream.allowHalfOpen = true;
  const raw = new RawPeer(stream);
  await raw.serve();
  await raw.read(4 + 4 + "client_id_request".length);
  raw.write(0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, id);
  return raw;
}

describe("a manager that does not end its side", () => {
  const plain = { encryption: false };

  it("does not delay the client, which connects to its slot meanwhile", async () => {
    const { manager, directory, options } = await open(plain);
    const place = await FarServer.listen(directory, name, slot(1));
    stopClock();
    const starting = startClient(options);
    const raw = await giveIdAndStay(manager, 1);
    await place.session(plain);
    untilTestEnds(await starting);
    expect(raw.stream.destroyed).toBe(false);
  });

  it("is disconnected before close of the client resolves", async () => {
    const { manager, directory, options } = await open(plain);
    const place = await FarServer.listen(directory, name, slot(1));
    const pass = stopClock();
    const starting = startClient(options);
    const raw = await giveIdAndStay(manager, 1);
    await place.session(plain);
    const client = untilTestEnds(await starting);
    let isClosed = false;
    const closing = client.close().then(() => {
      isClosed = true;
    });
    await eventually(() => expect(raw.stream.readableEnded).toBe(true));
    await setImmediate();
    expect(isClosed).toBe(false);
    pass(250);
    await closing;
    raw.stream.end();
    await raw.gone;
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("is disconnected at once by destroy, an abort and a time-out of the client", async () => {
    for (const end of ["destroy", "abort", "time-out"] as const) {
      const controller = new AbortController();
      const { manager, directory, options } = await open({ ...plain, timeoutMs: 1_000, signal: controller.signal });
      const pass = stopClock();
      const starting = startClient(options);
      starting.catch(() => {});
      const raw = await giveIdAndStay(manager, 1);
      if (end === "time-out") {
        await eventually(() => expect(raw.stream.readableEnded).toBe(true));
        pass(1_000);
        expect(await failureOf(starting)).toMatchObject({ code: "IPC_TIMED_OUT" });
      } else {
        const place = await FarServer.listen(directory, name, slot(1));
        pass(10);
        await place.session(plain);
        const client = untilTestEnds(await starting);
        if (end === "destroy") client.destroy();
        else controller.abort();
      }
      // Not a millisecond passes.
      await eventually(() => expect(vi.getTimerCount()).toBe(0));
      raw.stream.end();
      await raw.gone;
    }
  });
});
