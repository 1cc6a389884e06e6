import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { PEER_CALLS, TOO_MUCH } from "../../../internal/testkit/src/peer-calls.js";
import {
  closed,
  closedUnread,
  closing,
  destroyed,
  destroyedUnread,
  readTo,
  unread,
} from "../../../internal/testkit/src/peer-states.js";
import { describePeerStates } from "../../../internal/testkit/src/peer-table.js";
import { start, startAndStall, startAndVisit, type Visited } from "../test/started.js";
import type { Server } from "./server.js";

async function startWithUnread(): Promise<Visited> {
  const visited = await startAndVisit();
  await unread(visited.server, visited.client);
  return visited;
}

const calls = { ...PEER_CALLS, address: ({ address }: Server) => address.split("/").at(-1) };

describePeerStates<Server>("server that is", {
  calls,
  states: {
    listening: async () => (await start()).server,
    connected: async () => (await startAndVisit()).server,
    stalled: async () => (await startAndStall()).server,
    async disconnected() {
      const { server, client } = await startAndVisit();
      client.stream.destroy();
      return readTo(server, "Disconnected");
    },
    closing: async () => closing((await startAndStall()).server),
    closed: async () => closed((await startAndVisit()).server),
    async failed() {
      const { server, loseListener } = await startAndVisit();
      loseListener();
      return readTo(server, "Error");
    },
    destroyed: async () => destroyed((await startAndVisit()).server),
  },
  cells: `
    | call          | listening    | connected    | stalled                | disconnected      | closing                | closed      | failed            | destroyed   |
    | ------------- | ------------ | ------------ | ---------------------- | ----------------- | ---------------------- | ----------- | ----------------- | ----------- |
    | read          | … Closed     | … Closed     | … Closed               | … Closed          | … Closed               | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | readTimed     | timeout      | timeout      | timeout                | timeout           | timeout                | IPC_CLOSED  | IPC_LISTENER_LOST | IPC_CLOSED  |
    | asyncIterator | … IPC_CLOSED | … IPC_CLOSED | … IPC_CLOSED           | … IPC_CLOSED      | … end                  | end         | IPC_LISTENER_LOST | IPC_CLOSED  |
    | write         | … IPC_CLOSED | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | writeMessage  | … IPC_CLOSED | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | write much    | … IPC_CLOSED | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | flush         | done         | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | close         | done         | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | asyncDispose  | done         | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | destroy       | done         | done         | done                   | done              | done                   | done        | done              | done        |
    | on            | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | once          | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | status        | Listening    | Connected    | Connected              | Disconnected      | Closing                | Closed      | Error             | Closed      |
    | statusCode    | 1            | 3            | 3                      | 9                 | 6                      | 5           | 7                 | 5           |
    | remote        | orders.sock  | orders.sock  | orders.sock            | orders.sock       | orders.sock            | orders.sock | orders.sock       | orders.sock |
    | stats         | 0 in, 0 out  | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out       | 0 in, 1 out            | 0 in, 0 out | 0 in, 0 out       | 0 in, 0 out |
    | address       | orders.sock  | orders.sock  | orders.sock            | orders.sock       | orders.sock            | orders.sock | orders.sock       | orders.sock |
  `,
});

describePeerStates<Server>("server that has not read a message and is", {
  calls,
  states: {
    connected: async () => (await startWithUnread()).server,
    async disconnected() {
      const { server, client } = await startWithUnread();
      client.stream.destroy();
      await eventually(() => expect(server.status).toBe("Disconnected"));
      return server;
    },
    async closing() {
      const { server, client } = await startWithUnread();
      client.stream.pause();
      void server.write(1, TOO_MUCH);
      void server.close({ timeoutMs: 1_000_000 });
      return server;
    },
    closed: async () => closedUnread((await startWithUnread()).server),
    async failed() {
      const { server, loseListener } = await startWithUnread();
      loseListener();
      return server;
    },
    destroyed: async () => destroyedUnread((await startWithUnread()).server),
  },
  cells: `
    | call          | connected   | disconnected      | closing                | closed      | failed      | destroyed   |
    | ------------- | ----------- | ----------------- | ---------------------- | ----------- | ----------- | ----------- |
    | read          | "b"         | "b"               | "b"                    | "b"         | "b"         | "b"         |
    | readTimed     | "b"         | "b"               | "b"                    | "b"         | "b"         | "b"         |
    | asyncIterator | "b"         | "b"               | "b"                    | "b"         | "b"         | "b"         |
    | write         | done        | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  | IPC_CLOSED  |
    | writeMessage  | done        | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  | IPC_CLOSED  |
    | write much    | done        | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  | IPC_CLOSED  |
    | flush         | done        | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  | IPC_CLOSED  |
    | close         | done        | done              | … IPC_CLOSE_INCOMPLETE | done        | done        | done        |
    | asyncDispose  | done        | done              | … IPC_CLOSE_INCOMPLETE | done        | done        | done        |
    | destroy       | done        | done              | done                   | done        | done        | done        |
    | on            | itself      | itself            | itself                 | itself      | itself      | itself      |
    | once          | itself      | itself            | itself                 | itself      | itself      | itself      |
    | status        | Connected   | Disconnected      | Closing                | Closed      | Error       | Closed      |
    | statusCode    | 3           | 9                 | 6                      | 5           | 7           | 5           |
    | remote        | orders.sock | orders.sock       | orders.sock            | orders.sock | orders.sock | orders.sock |
    | stats         | 1 in, 0 out | 1 in, 0 out       | 1 in, 1 out            | 1 in, 0 out | 1 in, 0 out | 1 in, 0 out |
    | address       | orders.sock | orders.sock       | orders.sock            | orders.sock | orders.sock | orders.sock |
  `,
});
