import { unixSocket } from "@ipc/transport";
import { TOO_MUCH } from "../../../internal/testkit/src/peer-states.js";
import { readData } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { describeAborts } from "../../../internal/testkit/src/waits.js";
import { serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

interface Visited {
  readonly manager: ServerManager;
  readonly connection: ServerConnection;
}

/** A manager with a client whose Connected has been read; a message that it sends afterwards arrives. */
async function prepare(
  stalls: boolean,
): Promise<{ readonly with: Visited; readonly unharmed: () => Promise<unknown> }> {
  const { manager, visitRaw } = await serve({
    encryption: false,
    transport: unixSocket({ directory: temporaryDirectory() }),
  });
  const { raw, connection } = await visitRaw();
  await manager.read(() => {});
  if (stalls) {
    raw.stream.pause();
    void connection.write(1, TOO_MUCH);
  }
  const unharmed = async (): Promise<void> => {
    raw.stream.resume();
    raw.stream.write(plainFrame(1, "still there"));
    await readData(connection);
    await manager.broadcast(1, "and here");
    await connection.flush();
  };
  return { with: { manager, connection }, unharmed };
}

describeAborts<Visited>("manager", () => prepare(false), {
  "a message, by read":
    ({ manager }) =>
    (signal) =>
      manager.read(() => {}, { signal }),
  "a message, by readTimed":
    ({ manager }) =>
    (signal) =>
      manager.readTimed(1_000_000, () => {}, { signal }),
  "a message, by readTimedFastest":
    ({ manager }) =>
    (signal) =>
      manager.readTimedFastest(1_000_000, () => {}, { signal }),
  "a message of one connection":
    ({ connection }) =>
    (signal) =>
      connection.read({ signal }),
});

describeAborts<Visited>("manager with a client whose queue is full and", () => prepare(true), {
  "room, by write":
    ({ connection }) =>
    (signal) =>
      connection.write(1, "a", { signal }),
  "that queue, by flush":
    ({ connection }) =>
    (signal) =>
      connection.flush({ signal }),
});
