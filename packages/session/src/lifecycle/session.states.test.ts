import type { Duplex } from "node:stream";
import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { expect } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { PEER_CALLS, TOO_MUCH } from "../../../../internal/testkit/src/peer-calls.js";
import { closed, closing, destroyed, readTo } from "../../../../internal/testkit/src/peer-states.js";
import { describePeerStates } from "../../../../internal/testkit/src/peer-table.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { openSession, type Session } from "./session.js";

interface Opened {
  readonly session: Session;
  /** The other end of its stream, which reads as soon as it is told to. */
  readonly peer: Duplex;
}

/** A session without encryption that has read its Connected. */
async function open(): Promise<Opened> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false });
  peer.write(Uint8Array.of(0, 0));
  const session = untilTestEnds(await opening);
  await readTo(session, "Connected");
  return { session, peer };
}

async function openAndConverse(): Promise<Opened> {
  const opened = await open();
  opened.peer.resume();
  return opened;
}

/** It has written more than the stream takes, whose other end does not read. */
async function openAndStall(): Promise<Session> {
  const { session } = await open();
  // Of what is written in memory, one chunk is taken whole.
  void session.write(1, TOO_MUCH);
  void session.write(1, TOO_MUCH);
  await eventually(() => expect(session.stats.messagesSent).toBe(2));
  return session;
}

describePeerStates<Session>("session that is", {
  calls: PEER_CALLS,
  states: {
    connected: async () => (await openAndConverse()).session,
    stalled: openAndStall,
    async ended() {
      const { session, peer } = await openAndConverse();
      peer.end();
      return readTo(session, "Disconnected");
    },
    async lost() {
      const { session, peer } = await openAndConverse();
      peer.end(encodeMessage(1, new Uint8Array(4)).subarray(0, 9));
      return readTo(session, "Disconnected");
    },
    closing: async () => closing(await openAndStall()),
    closed: async () => closed((await openAndConverse()).session),
    destroyed: async () => destroyed((await openAndConverse()).session),
  },
  cells: `
    | call          | connected    | stalled                | ended        | lost                | closing                | closed      | destroyed   |
    | ------------- | ------------ | ---------------------- | ------------ | ------------------- | ---------------------- | ----------- | ----------- |
    | read          | … Closed     | … Closed               | IPC_CLOSED   | IPC_FRAME_TRUNCATED | … Closed               | IPC_CLOSED  | IPC_CLOSED  |
    | readTimed     | timeout      | timeout                | IPC_CLOSED   | IPC_FRAME_TRUNCATED | timeout                | IPC_CLOSED  | IPC_CLOSED  |
    | asyncIterator | … IPC_CLOSED | … IPC_CLOSED           | end          | IPC_FRAME_TRUNCATED | … end                  | end         | IPC_CLOSED  |
    | write         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED          | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  |
    | writeMessage  | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED          | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  |
    | write much    | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED          | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  |
    | flush         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED          | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  |
    | close         | done         | … IPC_CLOSE_INCOMPLETE | done         | done                | … IPC_CLOSE_INCOMPLETE | done        | done        |
    | asyncDispose  | done         | … IPC_CLOSE_INCOMPLETE | done         | done                | … IPC_CLOSE_INCOMPLETE | done        | done        |
    | destroy       | done         | done                   | done         | done                | done                   | done        | done        |
    | on            | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | once          | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | status        | Connected    | Connected              | Disconnected | Disconnected        | Closing                | Closed      | Closed      |
    | statusCode    | 3            | 3                      | 9            | 9                   | 6                      | 5           | 5           |
    | remote        | stream       | stream                 | stream       | stream              | stream                 | stream      | stream      |
    | stats         | 0 in, 0 out  | 0 in, 2 out            | 0 in, 0 out  | 0 in, 0 out         | 0 in, 2 out            | 0 in, 0 out | 0 in, 0 out |
  `,
});
