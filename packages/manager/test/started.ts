import { unixSocket } from "@ipc/transport";
import { losable } from "../../../internal/testkit/src/losable.js";
import { readTo, TOO_MUCH, unread } from "../../../internal/testkit/src/peer-states.js";
import type { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import type { ServerConnection } from "../src/server-connection.js";
import { type Served, serve } from "./served.js";

interface Started extends Served {
  /** As if the system had closed its listeners. */
  readonly lose: () => void;
}

interface Visited extends Started {
  /** A client that says what it is told to. */
  readonly raw: RawPeer;
  readonly connection: ServerConnection;
}

/** A manager without encryption. */
export async function start(): Promise<Started> {
  const { transport, lose } = losable(unixSocket({ directory: temporaryDirectory() }));
  return { ...(await serve({ encryption: false, transport })), lose };
}

/** The reader of a client's Connected. A connection that was read singly keeps its unread messages to itself. */
type Reader = "manager" | "connection";

/** It has a client whose Connected has been read. */
export async function startAndVisit(reader: Reader): Promise<Visited> {
  const started = await start();
  const visitor = await started.visitRaw();
  if (reader === "manager") await started.manager.read(() => {});
  else await readTo(visitor.connection, "Connected");
  return { ...started, ...visitor };
}

/** It has written more to its client than that takes, which does not read. */
export async function startAndStall(reader: Reader): Promise<Visited> {
  const visited = await startAndVisit(reader);
  visited.raw.stream.pause();
  void visited.connection.write(1, TOO_MUCH);
  return visited;
}

/** Its client has sent a message that is still unread. */
export async function startWithUnread(reader: Reader): Promise<Visited> {
  const visited = await startAndVisit(reader);
  await unread(visited.connection, visited.raw);
  return visited;
}
