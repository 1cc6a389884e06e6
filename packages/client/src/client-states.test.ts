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
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { type Started, start, startAndStall } from "../test/started.js";
import type { Client } from "./client.js";
import type { ClientOptions } from "./client-options.js";

async function startAndLose(options?: Partial<ClientOptions>): Promise<Client> {
  const { client, server, far } = await start(options);
  await far.close();
  server.stream.destroy();
  return readTo(client, "Reconnecting");
}

async function startWithUnread(options?: Partial<ClientOptions>): Promise<Started> {
  const started = await start(options);
  await unread(started.client, started.server);
  return started;
}

/** Loses the server for good while a message is unread. */
async function loseWithUnread(options: Partial<ClientOptions>, status: string): Promise<Client> {
  const { client, server, far } = await startWithUnread(options);
  await far.close();
  server.stream.destroy();
  await eventually(() => expect(client.status).toBe(status));
  return client;
}

const calls = { ...PEER_CALLS, clientId: (client: Client) => String(client.clientId) };

describePeerStates<Client>("client that is", {
  calls,
  states: {
    connected: async () => (await start()).client,
    stalled: async () => (await startAndStall()).client,
    reconnecting: () => startAndLose(),
    closing: async () => closing((await startAndStall()).client),
    closed: async () => closed((await start()).client),
    async "timed out"() {
      const { client, server, far } = await start({ timeoutMs: 60_000 });
      const pass = stopClock();
      await far.close();
      server.stream.destroy();
      await readTo(client, "Reconnecting");
      pass(60_000);
      return readTo(client, "Timeout");
    },
    failed: async () => readTo(await startAndLose({ retry: false, retryMs: 1 }), "Error"),
    destroyed: async () => destroyed((await start()).client),
  },
  cells: `
    | call          | connected    | stalled                | reconnecting      | closing                | closed      | timed out     | failed        | destroyed   |
    | ------------- | ------------ | ---------------------- | ----------------- | ---------------------- | ----------- | ------------- | ------------- | ----------- |
    | read          | … Closed     | … Closed               | … Closed          | … Closed               | IPC_CLOSED  | IPC_TIMED_OUT | IPC_NO_SERVER | IPC_CLOSED  |
    | readTimed     | timeout      | timeout                | timeout           | timeout                | IPC_CLOSED  | IPC_TIMED_OUT | IPC_NO_SERVER | IPC_CLOSED  |
    | asyncIterator | … IPC_CLOSED | … IPC_CLOSED           | … IPC_CLOSED      | … end                  | end         | IPC_TIMED_OUT | IPC_NO_SERVER | IPC_CLOSED  |
    | write         | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED    | IPC_CLOSED    | IPC_CLOSED  |
    | writeMessage  | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED    | IPC_CLOSED    | IPC_CLOSED  |
    | write much    | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED    | IPC_CLOSED    | IPC_CLOSED  |
    | flush         | done         | … IPC_CLOSED           | IPC_NOT_CONNECTED | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED    | IPC_CLOSED    | IPC_CLOSED  |
    | close         | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done          | done          | done        |
    | asyncDispose  | done         | … IPC_CLOSE_INCOMPLETE | done              | … IPC_CLOSE_INCOMPLETE | done        | done          | done          | done        |
    | destroy       | done         | done                   | done              | done                   | done        | done          | done          | done        |
    | on            | itself       | itself                 | itself            | itself                 | itself      | itself        | itself        | itself      |
    | once          | itself       | itself                 | itself            | itself                 | itself      | itself        | itself        | itself      |
    | status        | Connected    | Connected              | Reconnecting      | Closing                | Closed      | Timeout       | Error         | Closed      |
    | statusCode    | 3            | 3                      | 4                 | 6                      | 5           | 8             | 7             | 5           |
    | remote        | orders.sock  | orders.sock            | orders.sock       | orders.sock            | orders.sock | orders.sock   | orders.sock   | orders.sock |
    | stats         | 0 in, 0 out  | 0 in, 1 out            | 0 in, 0 out       | 0 in, 1 out            | 0 in, 0 out | 0 in, 0 out   | 0 in, 0 out   | 0 in, 0 out |
    | clientId      | undefined    | undefined              | undefined         | undefined              | undefined   | undefined     | undefined     | undefined   |
  `,
});

describePeerStates<Client>("client that has not read a message and is", {
  calls,
  states: {
    connected: async () => (await startWithUnread()).client,
    reconnecting: () => loseWithUnread({}, "Reconnecting"),
    async closing() {
      const { client, server } = await startWithUnread();
      server.stream.pause();
      void client.write(1, TOO_MUCH);
      void client.close({ timeoutMs: 1_000_000 });
      return client;
    },
    closed: async () => closedUnread((await startWithUnread()).client),
    failed: () => loseWithUnread({ retry: false, retryMs: 1 }, "Error"),
    destroyed: async () => destroyedUnread((await startWithUnread()).client),
  },
  cells: `
    | call          | connected   | reconnecting      | closing                | closed      | failed      | destroyed   |
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
    | status        | Connected   | Reconnecting      | Closing                | Closed      | Error       | Closed      |
    | statusCode    | 3           | 4                 | 6                      | 5           | 7           | 5           |
    | remote        | orders.sock | orders.sock       | orders.sock            | orders.sock | orders.sock | orders.sock |
    | stats         | 1 in, 0 out | 1 in, 0 out       | 1 in, 1 out            | 1 in, 0 out | 1 in, 0 out | 1 in, 0 out |
    | clientId      | undefined   | undefined         | undefined              | undefined   | undefined   | undefined   |
  `,
});

describePeerStates<Client>("client whose caller", {
  calls,
  states: {
    async reads() {
      const { client } = await start();
      void client.read();
      return client;
    },
    async iterates() {
      const { client } = await start();
      client[Symbol.asyncIterator]()
        .next()
        .catch(() => {});
      return client;
    },
    async listens() {
      const { client } = await start();
      return client.on("message", () => {});
    },
    async "listens, paused"() {
      const { client } = await start();
      return client.on("message", () => {}).pause();
    },
  },
  cells: `
    | call          | reads                     | iterates                  | listens            | listens, paused    |
    | ------------- | ------------------------- | ------------------------- | ------------------ | ------------------ |
    | read          | … IPC_CLOSED              | IPC_CONSUMER_TAKEN        | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN |
    | readTimed     | timeout                   | IPC_CONSUMER_TAKEN        | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN |
    | asyncIterator | IPC_CONSUMER_TAKEN        | IPC_CONSUMER_TAKEN        | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN |
    | write         | done                      | done                      | done               | done               |
    | writeMessage  | done                      | done                      | done               | done               |
    | write much    | done                      | done                      | done               | done               |
    | flush         | done                      | done                      | done               | done               |
    | close         | done                      | done                      | done               | done               |
    | asyncDispose  | done                      | done                      | done               | done               |
    | destroy       | done                      | done                      | done               | done               |
    | on            | throws IPC_CONSUMER_TAKEN | throws IPC_CONSUMER_TAKEN | itself             | itself             |
    | once          | throws IPC_CONSUMER_TAKEN | throws IPC_CONSUMER_TAKEN | itself             | itself             |
    | status        | Connected                 | Connected                 | Connected          | Connected          |
    | statusCode    | 3                         | 3                         | 3                  | 3                  |
    | remote        | orders.sock               | orders.sock               | orders.sock        | orders.sock        |
    | stats         | 0 in, 0 out               | 0 in, 0 out               | 0 in, 0 out        | 0 in, 0 out        |
    | clientId      | undefined                 | undefined                 | undefined          | undefined          |
  `,
});
