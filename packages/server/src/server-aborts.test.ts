import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { describeAborts } from "../../../internal/testkit/src/waits.js";
import { start, startAndStall, startAndVisit, type Visited } from "../test/started.js";
import type { Server } from "./server.js";

/** Messages from the peer are read, and written ones arrive. */
async function converse({ client, server }: Visited): Promise<void> {
  client.stream.resume();
  client.stream.write(plainFrame(1, "still there"));
  await readUntil(server, "still there");
  await server.write(1, "and here");
  await server.flush();
}

describeAborts<Server>(
  "server without a client",
  async () => {
    const { server, loseListener } = await start();
    const unharmed = async (): Promise<void> => {
      const client = await RawPeer.connect(server.address);
      await client.join();
      await converse({ server, client, loseListener });
    };
    return { with: server, unharmed };
  },
  {
    "one, by read": (server) => (signal) => server.read({ signal }),
    "one, by readTimed": (server) => (signal) => server.readTimed(1_000_000, "late", { signal }),
    "one, by write": (server) => (signal) => server.write(1, "a", { signal }),
    "one, by flush behind a write": (server) => (signal) => {
      void server.write(1, "a");
      return server.flush({ signal });
    },
  },
);

describeAborts<Server>(
  "server with a client",
  async () => {
    const visited = await startAndVisit();
    return { with: visited.server, unharmed: () => converse(visited) };
  },
  {
    "a message, by read": (server) => (signal) => server.read({ signal }),
    "a message, by readTimed": (server) => (signal) => server.readTimed(1_000_000, "late", { signal }),
  },
);

describeAborts<Server>(
  "server whose queue is full and",
  async () => {
    const visited = await startAndStall();
    return { with: visited.server, unharmed: () => converse(visited) };
  },
  {
    "room, by write": (server) => (signal) => server.write(1, "a", { signal }),
    "its queue, by flush": (server) => (signal) => server.flush({ signal }),
  },
);
