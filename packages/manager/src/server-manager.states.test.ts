import { describeStates } from "../../../internal/testkit/src/state-table.js";
import { nextTurn } from "../test/served.js";
import { start, startAndStall, startAndVisit, startWithUnread } from "../test/started.js";
import type { PollCallback } from "./poll.js";
import type { ServerManager } from "./server-manager.js";

/** Polls, and says what the callback was given: each connection's word. */
async function polled(poll: (callback: PollCallback) => Promise<void>): Promise<string> {
  const words: string[] = [];
  await poll((_connection, message) => {
    words.push(message.kind === "data" ? message.text() : message.kind === "status" ? message.status : message.kind);
  });
  return words.join(" ") || "nothing";
}

const NEVER: PollCallback = () => {};

describeStates<ServerManager>("manager that is", {
  states: {
    listening: async () => (await start()).manager,
    serving: async () => (await startAndVisit("manager")).manager,
    stalled: async () => (await startAndStall("manager")).manager,
    "with a message unread": async () => (await startWithUnread("manager")).manager,
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
    async closed() {
      const { manager } = await start();
      await manager.close();
      return manager;
    },
    async failed() {
      const { manager, lose } = await start();
      lose();
      return manager;
    },
    async destroyed() {
      const { manager } = await start();
      manager.destroy();
      return manager;
    },
  },
  calls: {
    read: (manager) => polled((callback) => manager.read(callback)),
    readTimed: (manager) => polled((callback) => manager.readTimed(0, callback)),
    readTimedFastest: (manager) => polled((callback) => manager.readTimedFastest(0, callback)),
    [Symbol.asyncIterator]: (manager) =>
      manager[Symbol.asyncIterator]()
        .next()
        .then(({ value }) => value?.message),
    async broadcast(manager) {
      const { accepted, skipped, failed } = await manager.broadcast(1, "a", { slow: "skip" });
      return `${accepted.length}, ${skipped.length}, ${failed.length}`;
    },
    close: (manager) => manager.close({ timeoutMs: 1_000_000 }),
    [Symbol.asyncDispose]: (manager) => manager[Symbol.asyncDispose](),
    destroy: (manager) => manager.destroy(),
    ref: (manager) => manager.ref(),
    unref: (manager) => manager.unref(),
    on: (manager) => manager.on("message", () => {}),
    once: (manager) => manager.once("message", () => {}),
    off: (manager) => manager.off("message", () => {}),
    status: (manager) => manager.status,
    statusCode: (manager) => manager.statusCode,
    address: (manager) => manager.address.split("/").at(-1),
    connections: (manager) => manager.connections.size,
    stats: (manager) => `${manager.stats.connections} with ${manager.stats.unreadBytes}`,
  },
  further: {
    async "broadcast waiting"(manager) {
      const { accepted, skipped, failed } = await manager.broadcast(1, "a");
      return `${accepted.length}, ${skipped.length}, ${failed.length}`;
    },
    "broadcast badly": (manager) => manager.broadcast(0, "a"),
    "read badly": (manager) => manager.read(undefined as never),
    "read aborted": (manager) => manager.read(NEVER, { signal: AbortSignal.abort() }),
  },
  steady: [
    "read badly",
    "read aborted",
    "broadcast badly",
    "ref",
    "unref",
    "off",
    "status",
    "statusCode",
    "address",
    "connections",
    "stats",
  ],
  inner: ["clear", "emit", "endReading"],
  cells: `
    | call              | listening    | serving      | stalled                | with a message unread | left        | closing                | closed      | failed            | destroyed   |
    | ----------------- | ------------ | ------------ | ---------------------- | --------------------- | ----------- | ---------------------- | ----------- | ----------------- | ----------- |
    | read              | … IPC_CLOSED | … Closed     | … Closed               | b                     | b           | Closing                | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | read badly        | TypeError    | TypeError    | TypeError              | TypeError             | TypeError   | TypeError              | TypeError   | TypeError         | TypeError   |
    | read aborted      | IPC_ABORTED  | IPC_ABORTED  | IPC_ABORTED            | IPC_ABORTED           | IPC_ABORTED | IPC_ABORTED            | IPC_ABORTED | IPC_ABORTED       | IPC_ABORTED |
    | readTimed         | nothing      | timeout      | timeout                | b                     | b           | Closing                | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | readTimedFastest  | nothing      | timeout      | timeout                | b                     | b           | Closing                | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | asyncIterator     | … IPC_CLOSED | … IPC_CLOSED | … IPC_CLOSED           | "b"                   | "b"         | … done                 | done        | IPC_LISTENER_LOST | IPC_CLOSED  |
    | broadcast         | 0, 0, 0      | 1, 0, 0      | 0, 1, 0                | 1, 0, 0               | 0, 0, 0     | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | broadcast waiting | 0, 0, 0      | 1, 0, 0      | … 0, 0, 1              | 1, 0, 0               | 0, 0, 0     | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | broadcast badly   | RangeError   | RangeError   | RangeError             | RangeError            | RangeError  | RangeError             | RangeError  | RangeError        | RangeError  |
    | close             | done         | done         | … IPC_CLOSE_INCOMPLETE | done                  | done        | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | asyncDispose      | done         | done         | … IPC_CLOSE_INCOMPLETE | done                  | done        | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | destroy           | done         | done         | done                   | done                  | done        | done                   | done        | done              | done        |
    | ref               | itself       | itself       | itself                 | itself                | itself      | itself                 | itself      | itself            | itself      |
    | unref             | itself       | itself       | itself                 | itself                | itself      | itself                 | itself      | itself            | itself      |
    | on                | itself       | itself       | itself                 | itself                | itself      | itself                 | itself      | itself            | itself      |
    | once              | itself       | itself       | itself                 | itself                | itself      | itself                 | itself      | itself            | itself      |
    | off               | itself       | itself       | itself                 | itself                | itself      | itself                 | itself      | itself            | itself      |
    | status            | Listening    | Listening    | Listening              | Listening             | Listening   | Closing                | Closed      | Error             | Closed      |
    | statusCode        | 1            | 1            | 1                      | 1                     | 1           | 6                      | 5           | 7                 | 5           |
    | address           | orders.sock  | orders.sock  | orders.sock            | orders.sock           | orders.sock | orders.sock            | orders.sock | orders.sock       | orders.sock |
    | connections       | 0            | 1            | 1                      | 1                     | 0           | 1                      | 0           | 0                 | 0           |
    | stats             | 0 with 0     | 1 with 0     | 1 with 0               | 1 with 161            | 0 with 161  | 1 with 0               | 0 with 0    | 0 with 0          | 0 with 0    |
  `,
});
