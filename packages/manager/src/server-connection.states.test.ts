import { PEER_CALLS } from "../../../internal/testkit/src/peer-calls.js";
import {
  closed,
  closedUnread,
  closing,
  destroyed,
  destroyedUnread,
  readTo,
} from "../../../internal/testkit/src/peer-states.js";
import { describePeerStates } from "../../../internal/testkit/src/peer-table.js";
import { nextTurn } from "../test/served.js";
import { startAndStall, startAndVisit, startWithUnread } from "../test/started.js";
import type { ServerConnection } from "./server-connection.js";

const calls = { ...PEER_CALLS, id: ({ id }: ServerConnection) => id };

describePeerStates<ServerConnection>("connection that is", {
  calls,
  states: {
    connected: async () => (await startAndVisit("connection")).connection,
    stalled: async () => (await startAndStall("connection")).connection,
    async disconnected() {
      const { connection, raw } = await startAndVisit("connection");
      raw.stream.destroy();
      return readTo(connection, "Disconnected");
    },
    closing: async () => closing((await startAndStall("connection")).connection),
    closed: async () => closed((await startAndVisit("connection")).connection),
    async failed() {
      const { connection, lose } = await startAndVisit("connection");
      lose();
      return readTo(connection, "Error");
    },
    destroyed: async () => destroyed((await startAndVisit("connection")).connection),
  },
  cells: `
    | call          | connected    | stalled                | disconnected | closing                | closed      | failed            | destroyed   |
    | ------------- | ------------ | ---------------------- | ------------ | ---------------------- | ----------- | ----------------- | ----------- |
    | read          | … Closed     | … Closed               | IPC_CLOSED   | … Closed               | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | readTimed     | timeout      | timeout                | IPC_CLOSED   | timeout                | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | asyncIterator | … IPC_CLOSED | … IPC_CLOSED           | end          | … end                  | end         | IPC_LISTENER_LOST | IPC_CLOSED  |
    | write         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | writeMessage  | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | write much    | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | flush         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | close         | done         | … IPC_CLOSE_INCOMPLETE | done         | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | asyncDispose  | done         | … IPC_CLOSE_INCOMPLETE | done         | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | destroy       | done         | done                   | done         | done                   | done        | done              | done        |
    | on            | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | once          | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | status        | Connected    | Connected              | Disconnected | Closing                | Closed      | Error             | Closed      |
    | statusCode    | 3            | 3                      | 9            | 6                      | 5           | 7                 | 5           |
    | remote        | orders.sock  | orders.sock            | orders.sock  | orders.sock            | orders.sock | orders.sock       | orders.sock |
    | stats         | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out | 0 in, 0 out       | 0 in, 0 out |
    | id            | 1            | 1                      | 1            | 1                      | 1           | 1                 | 1           |
  `,
});

describePeerStates<ServerConnection>("connection that has unread messages and is", {
  calls,
  states: {
    connected: async () => (await startWithUnread("connection")).connection,
    async disconnected() {
      const { connection, raw } = await startWithUnread("connection");
      raw.stream.destroy();
      while (connection.status === "Connected") await nextTurn();
      return connection;
    },
    closed: async () => closedUnread((await startWithUnread("connection")).connection),
    destroyed: async () => destroyedUnread((await startWithUnread("connection")).connection),
    async polled() {
      const { connection, manager } = await startAndVisit("connection");
      void manager.read(() => {});
      return connection;
    },
  },
  cells: `
    | call          | connected   | disconnected | closed      | destroyed   | polled                    |
    | ------------- | ----------- | ------------ | ----------- | ----------- | ------------------------- |
    | read          | "b"         | "b"          | "b"         | "b"         | IPC_CONSUMER_TAKEN        |
    | readTimed     | "b"         | "b"          | "b"         | "b"         | IPC_CONSUMER_TAKEN        |
    | asyncIterator | "b"         | "b"          | "b"         | "b"         | IPC_CONSUMER_TAKEN        |
    | write         | done        | IPC_CLOSED   | IPC_CLOSED  | IPC_CLOSED  | done                      |
    | writeMessage  | done        | IPC_CLOSED   | IPC_CLOSED  | IPC_CLOSED  | done                      |
    | write much    | done        | IPC_CLOSED   | IPC_CLOSED  | IPC_CLOSED  | done                      |
    | flush         | done        | IPC_CLOSED   | IPC_CLOSED  | IPC_CLOSED  | done                      |
    | close         | done        | done         | done        | done        | done                      |
    | asyncDispose  | done        | done         | done        | done        | done                      |
    | destroy       | done        | done         | done        | done        | done                      |
    | on            | itself      | itself       | itself      | itself      | throws IPC_CONSUMER_TAKEN |
    | once          | itself      | itself       | itself      | itself      | throws IPC_CONSUMER_TAKEN |
    | status        | Connected   | Disconnected | Closed      | Closed      | Connected                 |
    | statusCode    | 3           | 9            | 5           | 5           | 3                         |
    | remote        | orders.sock | orders.sock  | orders.sock | orders.sock | orders.sock               |
    | stats         | 1 in, 0 out | 1 in, 0 out  | 1 in, 0 out | 1 in, 0 out | 0 in, 0 out               |
    | id            | 1           | 1            | 1           | 1           | 1                         |
  `,
});
