import { unixSocket } from "@ipc/transport";
import {
  FURTHER_PEER_CALLS,
  PEER_CALLS,
  PEER_INNER,
  STEADY_PEER_CALLS,
  TOO_MUCH,
} from "../../../internal/testkit/src/peer-calls.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, type RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { describeStates } from "../../../internal/testkit/src/state-table.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { losable } from "../test/losable.js";
import { nextTurn, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

interface Started {
  readonly manager: ServerManager;
  readonly connection: ServerConnection;
  readonly client: RawPeer;
  readonly lose: () => void;
}

async function start(): Promise<Started> {
  const { transport, lose } = losable(unixSocket({ directory: temporaryDirectory() }));
  const { manager, visitRaw } = await serve({ encryption: false, transport });
  const { raw: client, connection } = await visitRaw();
  await readUntil(connection, "Connected");
  return { manager, connection, client, lose };
}

/** Writes more than the client takes, which does not read. */
async function startAndStall(): Promise<Started> {
  const started = await start();
  started.client.stream.pause();
  void started.connection.write(1, TOO_MUCH);
  return started;
}

async function startWithUnread(): Promise<Started> {
  const started = await start();
  started.client.stream.write(plainFrame(1, "b"));
  while (started.connection.stats.messagesReceived === 0) await nextTurn();
  return started;
}

const common = {
  calls: { ...PEER_CALLS, id: ({ id }: ServerConnection) => id },
  further: FURTHER_PEER_CALLS,
  steady: [...STEADY_PEER_CALLS, "id"],
  inner: PEER_INNER,
};

describeStates<ServerConnection>("connection that is", {
  ...common,
  states: {
    connected: async () => (await start()).connection,
    stalled: async () => (await startAndStall()).connection,
    async disconnected() {
      const { connection, client } = await start();
      client.stream.destroy();
      await readUntil(connection, "Disconnected");
      return connection;
    },
    async closing() {
      const { connection } = await startAndStall();
      void connection.close({ timeoutMs: 1_000_000 });
      await readUntil(connection, "Closing");
      return connection;
    },
    async closed() {
      const { connection } = await start();
      await connection.close();
      await readUntil(connection, "Closed");
      return connection;
    },
    async failed() {
      const { connection, lose } = await start();
      lose();
      await readUntil(connection, "Error");
      return connection;
    },
    async destroyed() {
      const { connection } = await start();
      connection.destroy();
      await readUntil(connection, "Closed");
      return connection;
    },
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
    | write badly   | RangeError   | RangeError             | RangeError   | RangeError             | RangeError  | RangeError        | RangeError  |
    | flush         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED        | IPC_CLOSED  |
    | close         | done         | … IPC_CLOSE_INCOMPLETE | done         | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | asyncDispose  | done         | … IPC_CLOSE_INCOMPLETE | done         | … IPC_CLOSE_INCOMPLETE | done        | done              | done        |
    | destroy       | done         | done                   | done         | done                   | done        | done              | done        |
    | pause         | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | resume        | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | ref           | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | unref         | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | on            | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | once          | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | off           | itself       | itself                 | itself       | itself                 | itself      | itself            | itself      |
    | status        | Connected    | Connected              | Disconnected | Closing                | Closed      | Error             | Closed      |
    | statusCode    | 3            | 3                      | 9            | 6                      | 5           | 7                 | 5           |
    | security      | plain        | plain                  | plain        | plain                  | plain       | plain             | plain       |
    | remote        | orders.sock  | orders.sock            | orders.sock  | orders.sock            | orders.sock | orders.sock       | orders.sock |
    | stats         | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out | 0 in, 0 out       | 0 in, 0 out |
    | id            | 2            | 2                      | 2            | 2                      | 2           | 2                 | 2           |
  `,
});

describeStates<ServerConnection>("connection that nobody has read and is", {
  ...common,
  states: {
    connected: async () => (await startWithUnread()).connection,
    async disconnected() {
      const { connection, client } = await startWithUnread();
      client.stream.destroy();
      while (connection.status === "Connected") await nextTurn();
      return connection;
    },
    async closed() {
      const { connection } = await startWithUnread();
      await connection.close();
      return connection;
    },
    async destroyed() {
      const { connection } = await startWithUnread();
      connection.destroy();
      return connection;
    },
    async polled() {
      const { connection, manager } = await start();
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
    | write badly   | RangeError  | RangeError   | RangeError  | RangeError  | RangeError                |
    | flush         | done        | IPC_CLOSED   | IPC_CLOSED  | IPC_CLOSED  | done                      |
    | close         | done        | done         | done        | done        | done                      |
    | asyncDispose  | done        | done         | done        | done        | done                      |
    | destroy       | done        | done         | done        | done        | done                      |
    | pause         | itself      | itself       | itself      | itself      | itself                    |
    | resume        | itself      | itself       | itself      | itself      | itself                    |
    | ref           | itself      | itself       | itself      | itself      | itself                    |
    | unref         | itself      | itself       | itself      | itself      | itself                    |
    | on            | itself      | itself       | itself      | itself      | throws IPC_CONSUMER_TAKEN |
    | once          | itself      | itself       | itself      | itself      | throws IPC_CONSUMER_TAKEN |
    | off           | itself      | itself       | itself      | itself      | itself                    |
    | status        | Connected   | Disconnected | Closed      | Closed      | Connected                 |
    | statusCode    | 3           | 9            | 5           | 5           | 3                         |
    | security      | plain       | plain        | plain       | plain       | plain                     |
    | remote        | orders.sock | orders.sock  | orders.sock | orders.sock | orders.sock               |
    | stats         | 1 in, 0 out | 1 in, 0 out  | 1 in, 0 out | 1 in, 0 out | 0 in, 0 out               |
    | id            | 2           | 2            | 2           | 2           | 2                         |
  `,
});
