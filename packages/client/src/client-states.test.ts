import { expect, it } from "vitest";
import { answersOf, readTo } from "../../../internal/testkit/src/peer-states.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { start } from "../test/started.js";
import type { Client } from "./client.js";
import type { ClientOptions } from "./client-options.js";

// The answers of every peer in its states are tested in packages/session/src/lifecycle/peer-core.states.test.ts.

async function startAndLose(options?: Partial<ClientOptions>): Promise<Client> {
  const { client, server, far } = await start(options);
  await far.close();
  server.stream.destroy();
  return readTo(client, "Reconnecting");
}

async function startAndTimeOut(): Promise<Client> {
  const pass = stopClock();
  const client = await startAndLose({ timeoutMs: 60_000 });
  pass(60_000);
  return readTo(client, "Timeout");
}

it.each([
  ["reconnects", () => startAndLose(), "Reconnecting, 4, IPC_NOT_CONNECTED, waits, IPC_CONSUMER_TAKEN"],
  ["has timed out", startAndTimeOut, "Timeout, 8, IPC_CLOSED, IPC_TIMED_OUT, IPC_TIMED_OUT"],
  [
    "has failed",
    async () => readTo(await startAndLose({ retry: false, retryMs: 1 }), "Error"),
    "Error, 7, IPC_CLOSED, IPC_NO_SERVER, IPC_NO_SERVER",
  ],
])("a client that %s answers with its status and its failure", async (_state, make, answers) => {
  const client = await make();
  expect(await answersOf(client)).toBe(answers);
  expect(client.remote).toMatch(/orders\.sock$/);
});

it("a client has no id without multiClient", async () => {
  expect((await start()).client.clientId).toBeUndefined();
});
