import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import {
  FURTHER_PEER_CALLS,
  PEER_CALLS,
  PEER_INNER,
  STEADY_PEER_CALLS,
  TOO_MUCH,
} from "../../../internal/testkit/src/peer-calls.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { describeStates } from "../../../internal/testkit/src/state-table.js";
import { start, startAndStall, startAndVisit, type Visited } from "../test/started.js";
import type { Server } from "./server.js";

async function startWithUnread(): Promise<Visited> {
  const visited = await startAndVisit();
  visited.client.stream.write(plainFrame(1, "b"));
  await eventually(() => expect(visited.server.stats.messagesReceived).toBe(1));
  return visited;
}

const common = {
  calls: { ...PEER_CALLS, address: ({ address }: Server) => address.split("/").at(-1) },
  further: FURTHER_PEER_CALLS,
  steady: [...STEADY_PEER_CALLS, "address"],
  inner: PEER_INNER,
};

describeStates<Server>("server that is", {
  ...common,
  states: {
    listening: async () => (await start()).server,
    connected: async () => (await startAndVisit()).server,
    stalled: async () => (await startAndStall()).server,
    async disconnected() {
      const { server, client } = await startAndVisit();
      client.stream.destroy();
      await readUntil(server, "Disconnected");
      return server;
    },
    async closing() {
      const { server } = await startAndStall();
      void server.close({ timeoutMs: 1_000_000 });
      await readUntil(server, "Closing");
      return server;
    },
    async closed() {
      const { server } = await startAndVisit();
      await server.close();
      await readUntil(server, "Closed");
      return server;
    },
    async failed() {
      const { server, loseListener } = await startAndVisit();
      loseListener();
      await readUntil(server, "Error");
      return server;
    },
    async destroyed() {
      const { server } = await startAndVisit();
      server.destroy();
      await readUntil(server, "Closed");
      return server;
    },
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
    | write badly   | RangeError   | RangeError   | RangeError             | RangeError        | RangeError             | RangeError  | RangeError        | RangeError  |
    | flush         | done         | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | close         | done         | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | asyncDispose  | done         | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | destroy       | done         | done         | done                   | done              | done                   | done        | done              | done        |
    | pause         | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | resume        | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | ref           | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | unref         | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | on            | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | once          | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | off           | itself       | itself       | itself                 | itself            | itself                 | itself      | itself            | itself      |
    | status        | Listening    | Connected    | Connected              | Disconnected      | Closing                | Closed      | Error             | Closed      |
    | statusCode    | 1            | 3            | 3                      | 9                 | 6                      | 5           | 7                 | 5           |
    | security      | plain        | plain        | plain                  | plain             | plain                  | plain       | plain             | plain       |
    | remote        | orders.sock  | orders.sock  | orders.sock            | orders.sock       | orders.sock            | orders.sock | orders.sock       | orders.sock |
    | stats         | 0 in, 0 out  | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out       | 0 in, 1 out            | 0 in, 0 out | 0 in, 0 out       | 0 in, 0 out |
    | address       | orders.sock  | orders.sock  | orders.sock            | orders.sock       | orders.sock            | orders.sock | orders.sock       | orders.sock |
  `,
});

describeStates<Server>("server that has not read a message and is", {
  ...common,
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
    async closed() {
      const { server } = await startWithUnread();
      await server.close();
      return server;
    },
    async failed() {
      const { server, loseListener } = await startWithUnread();
      loseListener();
      return server;
    },
    async destroyed() {
      const { server } = await startWithUnread();
      server.destroy();
      return server;
    },
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
    | write badly   | RangeError  | RangeError        | RangeError             | RangeError  | RangeError  | RangeError  |
    | flush         | done        | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  | IPC_CLOSED  |
    | close         | done        | done              | … IPC_CLOSE_INCOMPLETE | done        | done        | done        |
    | asyncDispose  | done        | done              | … IPC_CLOSE_INCOMPLETE | done        | done        | done        |
    | destroy       | done        | done              | done                   | done        | done        | done        |
    | pause         | itself      | itself            | itself                 | itself      | itself      | itself      |
    | resume        | itself      | itself            | itself                 | itself      | itself      | itself      |
    | ref           | itself      | itself            | itself                 | itself      | itself      | itself      |
    | unref         | itself      | itself            | itself                 | itself      | itself      | itself      |
    | on            | itself      | itself            | itself                 | itself      | itself      | itself      |
    | once          | itself      | itself            | itself                 | itself      | itself      | itself      |
    | off           | itself      | itself            | itself                 | itself      | itself      | itself      |
    | status        | Connected   | Disconnected      | Closing                | Closed      | Error       | Closed      |
    | statusCode    | 3           | 9                 | 6                      | 5           | 7           | 5           |
    | security      | plain       | plain             | plain                  | plain       | plain       | plain       |
    | remote        | orders.sock | orders.sock       | orders.sock            | orders.sock | orders.sock | orders.sock |
    | stats         | 1 in, 0 out | 1 in, 0 out       | 1 in, 1 out            | 1 in, 0 out | 1 in, 0 out | 1 in, 0 out |
    | address       | orders.sock | orders.sock       | orders.sock            | orders.sock | orders.sock | orders.sock |
  `,
});
