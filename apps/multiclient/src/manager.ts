import { isIpcError, type PollCallback, type ServerConnection, startServerManager, timeoutMessage } from "@ipc/manager";
import { exampleOptions } from "@ipc-internal/example";
import { CLIENTS, NAME, PING } from "./conversation.js";

/** Longer than the slow client thinks. */
const READ_MS = 1_000;

const isFast = process.env["FAST"] === "true";
const what = isFast ? "readTimedFastest" : "readTimed";

const manager = await startServerManager({ name: NAME, ...exampleOptions() });
const terminated = new Promise<void>((resolve) => {
  process.once("SIGTERM", () => {
    // Messages that are on their way are answered first: the polls below take them.
    manager.drain().catch(console.error);
    resolve();
  });
});
console.log(`listening at ${manager.address}`);

// All are there before the first poll, so that both ways of polling begin with the same.
const complete = new Promise<void>((resolve) => {
  manager.on("connection", () => {
    if (manager.connections.size === CLIENTS) resolve();
  });
});
await Promise.race([complete, terminated]);

let gone = 0;

async function ping(connection: ServerConnection): Promise<void> {
  try {
    await connection.write(PING, "server - PING");
  } catch (error) {
    // A client may leave at any time.
    if (!isIpcError(error)) throw error;
    console.log(`client ${connection.id}: ${error.code}`);
  }
}

const onRead: PollCallback = async (connection, message) => {
  if (message === timeoutMessage) {
    console.log(`client ${connection.id}: nothing within ${READ_MS} ms`);
  } else if (message.kind === "status") {
    console.log(`client ${connection.id}: status ${message.status}`);
    if (message.status === "Connected") await ping(connection);
    if (message.status === "Disconnected") gone++;
  } else if (message.kind === "data") {
    console.log(`client ${connection.id}: received type ${message.type}: "${message.text()}"`);
    await ping(connection);
  }
};

/** A drain closes the manager, and with it a poll that finds no client any more. */
function unlessClosed(error: unknown): void {
  if (!isIpcError(error) || error.code !== "IPC_CLOSED") throw error;
}

const start = performance.now();
for (let iteration = 1; gone < CLIENTS && manager.status === "Listening"; iteration++) {
  // Both read at most one message of each connection. They differ in which client they wait for.
  const poll = isFast ? manager.readTimedFastest(READ_MS, onRead) : manager.readTimed(READ_MS, onRead);
  await poll.catch(unlessClosed);
  console.log(`${what}: iteration ${iteration} ended ${(performance.now() - start).toFixed(0)} ms after the start`);
}
await manager.close();
console.log(`status: ${manager.status}`);
