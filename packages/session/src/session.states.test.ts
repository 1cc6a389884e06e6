import type { Duplex } from "node:stream";
import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import {
  FURTHER_PEER_CALLS,
  PEER_CALLS,
  PEER_INNER,
  STEADY_PEER_CALLS,
  TOO_MUCH,
} from "../../../internal/testkit/src/peer-calls.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { describeStates } from "../../../internal/testkit/src/state-table.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
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
  await readUntil(session, "Connected");
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

describeStates<Session>("session that is", {
  calls: PEER_CALLS,
  further: FURTHER_PEER_CALLS,
  steady: STEADY_PEER_CALLS,
  inner: PEER_INNER,
  states: {
    connected: async () => (await openAndConverse()).session,
    stalled: openAndStall,
    async ended() {
      const { session, peer } = await openAndConverse();
      peer.end();
      await readUntil(session, "Disconnected");
      return session;
    },
    async lost() {
      const { session, peer } = await openAndConverse();
      peer.end(encodeMessage(1, new Uint8Array(4)).subarray(0, 9));
      await readUntil(session, "Disconnected");
      return session;
    },
    async closing() {
      const session = await openAndStall();
      void session.close({ timeoutMs: 1_000_000 });
      await readUntil(session, "Closing");
      return session;
    },
    async closed() {
      const { session } = await openAndConverse();
      await session.close();
      await readUntil(session, "Closed");
      return session;
    },
    async destroyed() {
      const { session } = await openAndConverse();
      session.destroy();
      await readUntil(session, "Closed");
      return session;
    },
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
    | write badly   | RangeError   | RangeError             | RangeError   | RangeError          | RangeError             | RangeError  | RangeError  |
    | flush         | done         | … IPC_CLOSED           | IPC_CLOSED   | IPC_CLOSED          | IPC_CLOSED             | IPC_CLOSED  | IPC_CLOSED  |
    | close         | done         | … IPC_CLOSE_INCOMPLETE | done         | done                | … IPC_CLOSE_INCOMPLETE | done        | done        |
    | asyncDispose  | done         | … IPC_CLOSE_INCOMPLETE | done         | done                | … IPC_CLOSE_INCOMPLETE | done        | done        |
    | destroy       | done         | done                   | done         | done                | done                   | done        | done        |
    | pause         | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | resume        | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | ref           | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | unref         | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | on            | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | once          | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | off           | itself       | itself                 | itself       | itself              | itself                 | itself      | itself      |
    | status        | Connected    | Connected              | Disconnected | Disconnected        | Closing                | Closed      | Closed      |
    | statusCode    | 3            | 3                      | 9            | 9                   | 6                      | 5           | 5           |
    | security      | plain        | plain                  | plain        | plain               | plain                  | plain       | plain       |
    | remote        | stream       | stream                 | stream       | stream              | stream                 | stream      | stream      |
    | stats         | 0 in, 0 out  | 0 in, 2 out            | 0 in, 0 out  | 0 in, 0 out         | 0 in, 2 out            | 0 in, 0 out | 0 in, 0 out |
  `,
});
