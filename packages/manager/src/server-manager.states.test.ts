import { describe, expect, it } from "vitest";
import { expectOutcome, readRows } from "../../../internal/testkit/src/state-rows.js";
import { nextTurn } from "../test/served.js";
import { start, startAndStall, startAndVisit, startWithUnread } from "../test/started.js";
import type { PollCallback } from "./poll.js";
import type { ServerManager } from "./server-manager.js";

/** Polls, and returns what the callback was given: each connection's word. */
async function polled(poll: (callback: PollCallback) => Promise<void>): Promise<string> {
  const words: string[] = [];
  await poll((_connection, message) => {
    words.push(message.kind === "data" ? message.text() : message.kind === "status" ? message.status : message.kind);
  });
  return words.join(" ") || "nothing";
}

async function broadcast(manager: ServerManager, slow: "skip" | "wait"): Promise<string> {
  const { accepted, skipped, failed } = await manager.broadcast(1, "a", { slow });
  return `${accepted.length}, ${skipped.length}, ${failed.length}`;
}

async function startAnd(end: (manager: ServerManager) => unknown): Promise<ServerManager> {
  const { manager } = await start();
  await end(manager);
  return manager;
}

const STATES: Readonly<Record<string, () => Promise<ServerManager>>> = {
  listening: async () => (await start()).manager,
  serving: async () => (await startAndVisit("manager")).manager,
  stalled: async () => (await startAndStall("manager")).manager,
  unread: async () => (await startWithUnread("manager")).manager,
  async left() {
    const { manager, raw } = await startWithUnread("manager");
    raw.stream.destroy();
    while (manager.connections.size > 0) await nextTurn();
    return manager;
  },
  async closing() {
    const { manager } = await startAndStall("manager");
    void manager.close({ timeoutMs: 1_000_000 });
    return manager;
  },
  closed: () => startAnd((manager) => manager.close()),
  async failed() {
    const { manager, lose } = await start();
    lose();
    return manager;
  },
  destroyed: () => startAnd((manager) => manager.destroy()),
};

/** The results of a column's calls; for a broadcast: accepted, skipped, failed. */
const cellOf = readRows(`
  state     | read         | readTimed         | iterate           | skip       | wait       | close                  | status    | stats
  listening | … IPC_CLOSED | nothing           | … IPC_CLOSED      | 0, 0, 0    | 0, 0, 0    | done                   | Listening | 0 with 0
  serving   | … Closed     | timeout           | … IPC_CLOSED      | 1, 0, 0    | 1, 0, 0    | done                   | Listening | 1 with 0
  stalled   | … Closed     | timeout           | … IPC_CLOSED      | 0, 1, 0    | … 0, 0, 1  | … IPC_CLOSE_INCOMPLETE | Listening | 1 with 0
  unread    | b            | b                 | "b"               | 1, 0, 0    | 1, 0, 0    | done                   | Listening | 1 with 161
  left      | b            | b                 | "b"               | 0, 0, 0    | 0, 0, 0    | done                   | Listening | 0 with 161
  closing   | Closing      | Closing           | … done            | IPC_CLOSED | IPC_CLOSED | … IPC_CLOSE_INCOMPLETE | Closing   | 1 with 0
  closed    | IPC_CLOSED   | IPC_CLOSED        | done              | IPC_CLOSED | IPC_CLOSED | done                   | Closed    | 0 with 0
  failed    | IPC_LISTENER_LOST | IPC_LISTENER_LOST | IPC_LISTENER_LOST | IPC_CLOSED | IPC_CLOSED | done              | Error     | 0 with 0
  destroyed | IPC_CLOSED   | IPC_CLOSED        | IPC_CLOSED        | IPC_CLOSED | IPC_CLOSED | done                   | Closed    | 0 with 0
`);

/** The calls that change the manager or wait, and the columns with their outcome. */
const CALLS: Readonly<Record<string, readonly [column: string, call: (manager: ServerManager) => unknown]>> = {
  read: ["read", (manager) => polled((callback) => manager.read(callback))],
  readTimed: ["readTimed", (manager) => polled((callback) => manager.readTimed(0, callback))],
  readTimedFastest: ["readTimed", (manager) => polled((callback) => manager.readTimedFastest(0, callback))],
  asyncIterator: [
    "iterate",
    (manager) =>
      manager[Symbol.asyncIterator]()
        .next()
        .then(({ value }) => value?.message),
  ],
  "broadcast that skips": ["skip", (manager) => broadcast(manager, "skip")],
  "broadcast that waits": ["wait", (manager) => broadcast(manager, "wait")],
  close: ["close", (manager) => manager.close({ timeoutMs: 1_000_000 })],
  asyncDispose: ["close", (manager) => manager[Symbol.asyncDispose]()],
};

/** The calls that change nothing, with their outcome in every state; undefined: a column has it. */
const STEADY: Readonly<
  Record<string, readonly [outcome: string | undefined, call: (manager: ServerManager) => unknown]>
> = {
  status: [undefined, (manager) => manager.status],
  stats: [undefined, ({ connections, stats }) => `${connections.size} with ${stats.unreadBytes}`],
  "read without a callback": ["TypeError", (manager) => manager.read(undefined as never)],
  "aborted read": ["IPC_ABORTED", (manager) => manager.read(() => {}, { signal: AbortSignal.abort() })],
  "broadcast of type 0": ["RangeError", (manager) => manager.broadcast(0, "a")],
  ref: ["itself", (manager) => manager.ref()],
  unref: ["itself", (manager) => manager.unref()],
  off: ["itself", (manager) => manager.off("message", () => {})],
  address: ["orders.sock", (manager) => manager.address.split("/").at(-1)],
};

describe.each(Object.entries(STATES))("a manager that is %s", (state, make) => {
  it.each(Object.entries(CALLS))("answers a %s as its row says", async (_name, [column, call]) => {
    await expectOutcome(await make(), call, cellOf(state, column));
  });

  it("answers every call without effect as its row says, then accepts on, once and destroy", async () => {
    const manager = await make();
    for (const [name, [word, call]] of Object.entries(STEADY)) {
      await expectOutcome(manager, call, word ?? cellOf(state, name));
    }
    expect([manager.on("message", () => {}), manager.once("message", () => {})]).toEqual([manager, manager]);
    expect(manager.destroy()).toBeUndefined();
  });
});
