import { expect, it } from "vitest";
import { answersOf, readTo } from "../../../internal/testkit/src/peer-states.js";
import { start, startAndVisit } from "../test/started.js";
import type { Server } from "./server.js";

// The answers of every peer in its states are tested in packages/session/src/lifecycle/peer-core.states.test.ts.

it.each<[string, () => Promise<Server>, string]>([
  ["listens", async () => (await start()).server, "Listening, 1, waits, waits, IPC_CONSUMER_TAKEN"],
  ["has a client", async () => (await startAndVisit()).server, "Connected, 3, done, waits, IPC_CONSUMER_TAKEN"],
  [
    "has lost its client",
    async () => {
      const { server, client } = await startAndVisit();
      client.stream.destroy();
      return readTo(server, "Disconnected");
    },
    "Disconnected, 9, IPC_NOT_CONNECTED, waits, IPC_CONSUMER_TAKEN",
  ],
  [
    "is closed",
    async () => {
      const { server } = await startAndVisit();
      await server.close();
      return readTo(server, "Closed");
    },
    "Closed, 5, IPC_CLOSED, IPC_CLOSED, end",
  ],
  [
    "has lost its listener",
    async () => {
      const { server, loseListener } = await startAndVisit();
      loseListener();
      return readTo(server, "Error");
    },
    "Error, 7, IPC_CLOSED, IPC_LISTENER_LOST, IPC_LISTENER_LOST",
  ],
])(
  "a server that %s answers with its status and its failure, and knows its address (golang-ipc: TestStatus)",
  async (_state, make, answers) => {
    const server = await make();
    expect(await answersOf(server)).toBe(answers);
    expect([server.address, server.remote]).toEqual(Array(2).fill(expect.stringMatching(/orders\.sock$/)));
  },
);
