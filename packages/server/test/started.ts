import { unixSocket } from "@ipc/transport";
import { losable } from "../../../internal/testkit/src/losable.js";
import { TOO_MUCH } from "../../../internal/testkit/src/peer-states.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Server, startServer } from "../src/server.js";

interface Started {
  readonly server: Server;
  /** As if the system had closed its listener. */
  readonly loseListener: () => void;
}

export interface Visited extends Started {
  /** A client that says what it is told to. */
  readonly client: RawPeer;
}

/** A server without encryption. */
export async function start(): Promise<Started> {
  const { transport, lose: loseListener } = losable(unixSocket({ directory: temporaryDirectory() }));
  const server = untilTestEnds(await startServer({ name: "orders", transport, encryption: false }));
  return { server, loseListener };
}

/** It has read its client's Connected. */
export async function startAndVisit(): Promise<Visited> {
  const started = await start();
  const client = await RawPeer.connect(started.server.address);
  await client.join();
  await readUntil(started.server, "Connected");
  return { ...started, client };
}

/** It has written more than its client takes, which does not read. */
export async function startAndStall(): Promise<Visited> {
  const visited = await startAndVisit();
  visited.client.stream.pause();
  void visited.server.write(1, TOO_MUCH);
  return visited;
}
