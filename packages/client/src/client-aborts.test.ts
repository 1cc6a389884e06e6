import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { describeAborts } from "../../../internal/testkit/src/waits.js";
import { type Started, start, startAndStall } from "../test/started.js";
import type { Client } from "./client.js";

/** Messages from the peer are read, and written ones arrive. */
async function converse({ client, server }: Started): Promise<void> {
  server.stream.resume();
  server.stream.write(plainFrame(1, "still there"));
  await readUntil(client, "still there");
  await client.write(1, "and here");
  await client.flush();
}

describeAborts<Client>(
  "client",
  async () => {
    const started = await start();
    return { with: started.client, unharmed: () => converse(started) };
  },
  {
    "a message, by read": (client) => (signal) => client.read({ signal }),
    "a message, by readTimed": (client) => (signal) => client.readTimed(1_000_000, "late", { signal }),
  },
);

describeAborts<Client>(
  "client whose queue is full and",
  async () => {
    const started = await startAndStall();
    return { with: started.client, unharmed: () => converse(started) };
  },
  {
    "room, by write": (client) => (signal) => client.write(1, "a", { signal }),
    "room for much": (client) => (signal) => client.write(1, new Uint8Array(100_000), { signal }),
    "room, by writeMessage": (client) => (signal) => client.writeMessage({ type: 1, data: "a" }, { signal }),
    "its queue, by flush": (client) => (signal) => client.flush({ signal }),
  },
);
