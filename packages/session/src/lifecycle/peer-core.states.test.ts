import type { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { nextEvent, readUntil } from "../../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../../internal/testkit/src/raw-peer.js";
import { expectOutcome, readRows } from "../../../../internal/testkit/src/state-rows.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { silentSlips } from "../../test/silent-slips.js";
import { PlainCodec } from "../codec/frame-codec.js";
import { SessionError } from "../errors.js";
import type { Status } from "../message.js";
import { PLAIN_SECURITY } from "../security.js";
import { PeerCore } from "./peer-core.js";
import { PeerSession } from "./peer-session.js";

const MIB = 1_048_576;
const LIMITS = {
  maxMessageSize: 3 * MIB,
  maxQueuedBytes: MIB,
  maxUnreadBytes: MIB,
  busyPollUs: 0,
  heartbeatMs: 0,
  idleTimeoutMs: 0,
};
/** More than the stream of a memory pair takes before its other end reads. */
const TOO_MUCH = new Uint8Array(3_000_000);

class TestPeer extends PeerSession {}

interface Made {
  readonly peer: TestPeer;
  readonly core: PeerCore;
  /** The other end of the stream; reads only in states where the peer is not stalled. */
  readonly far: Duplex;
}

/** Makes a peer without a connection. Its owner waits for the next connection after a loss, as a server does. */
function create(): Pick<Made, "peer" | "core"> {
  const core: PeerCore = new PeerCore(
    {
      limits: LIMITS,
      slips: silentSlips,
      security: PLAIN_SECURITY,
      status: "Listening",
      name: "orders",
      remote: "orders",
    },
    { onDisconnected: () => core.setStatus("Disconnected") },
  );
  return { peer: untilTestEnds(new TestPeer(core)), core };
}

/** Makes a connected peer whose Connected has been read; with `unread`, the message "b" has arrived and has not been read. */
async function connect(unread: boolean): Promise<Made> {
  const { peer, core } = create();
  const [stream, far] = memoryPair();
  const outcome = { codec: new PlainCodec(), maxSendSize: 3 * MIB, features: 0, peerEndsInResponse: true };
  core.connect({ stream, outcome, rest: new Uint8Array(0), remote: "orders" });
  await readUntil(peer, "Connected");
  if (unread) {
    far.write(plainFrame(1, "b"));
    await eventually(() => expect(peer.stats.messagesReceived).toBe(1));
  }
  return { peer, core, far };
}

async function stall(unread: boolean): Promise<TestPeer> {
  const { peer } = await connect(unread);
  // The stream takes one chunk as a whole, whatever its size.
  void peer.write(1, TOO_MUCH);
  void peer.write(1, TOO_MUCH);
  await eventually(() => expect(peer.stats.messagesSent).toBe(2));
  return peer;
}

/** Connects a peer, ends it by `end`, and waits for `status`, which is read unless a message before it stays unread. */
async function end(unread: boolean, status: Status, end: (made: Made) => unknown): Promise<TestPeer> {
  const made = await connect(unread);
  made.far.resume();
  end(made);
  if (unread) await eventually(() => expect(made.peer.status).toBe(status));
  else await readUntil(made.peer, status);
  return made.peer;
}

/** Connects a peer whose far end reads, then lets `use` do something with it. */
async function open(unread: boolean, use: (peer: TestPeer, core: PeerCore) => unknown = () => {}): Promise<TestPeer> {
  const { peer, core, far } = await connect(unread);
  far.resume();
  use(peer, core);
  return peer;
}

const failure = new SessionError("IPC_TIMED_OUT", "no server came back");

/** Makes a peer in each state; `unread` leaves a message unread in it, where that is possible. */
const STATES: Readonly<Record<string, (unread: boolean) => Promise<TestPeer>>> = {
  waiting: async () => create().peer,
  connected: (unread) => open(unread),
  stalled: stall,
  disconnected: (unread) => end(unread, "Disconnected", ({ far }) => far.end()),
  async closing(unread) {
    const peer = await stall(unread);
    void peer.close({ timeoutMs: 1_000_000 });
    if (!unread) await readUntil(peer, "Closing");
    return peer;
  },
  closed: (unread) => end(unread, "Closed", ({ peer }) => peer.close()),
  failed: (unread) => end(unread, "Error", ({ core }) => core.finish("Error", failure)),
  destroyed: (unread) => end(unread, "Closed", ({ peer }) => peer.destroy()),
  "waiting for a read": () => open(false, (peer) => void peer.read()),
  "iterated over": () =>
    open(
      false,
      (peer) =>
        void peer[Symbol.asyncIterator]()
          .next()
          .catch(() => {}),
    ),
  "listened to": () => open(false, (peer) => peer.on("message", () => {})),
  "listened to and paused": () => open(false, (peer) => peer.on("message", () => {}).pause()),
  async "listened to and closed"() {
    const peer = await open(false, (each) => each.on("message", () => {}));
    await peer.close();
    return peer;
  },
  async "resumed after its end"() {
    const { peer, far } = await connect(true);
    far.resume();
    const closed = nextEvent(peer, "close");
    await peer
      .pause()
      .on("message", () => {})
      .close();
    peer.resume();
    await closed;
    return peer;
  },
  async "paused and destroyed"() {
    const peer = await open(false, (each) => each.on("message", () => {}).pause());
    peer.destroy();
    return peer;
  },
  locked: () =>
    open(false, (_peer, core) =>
      core.reader.consumer.lock("read", "a reader of all connections", { ready: () => {}, offer: () => false }),
    ),
};

/** The results of a column's calls in each state. */
const cellOf = readRows(`
  state                  | read               | readTimed          | iterate            | write             | flush             | close                  | listen                    | status       | stats
  waiting                | … Closed           | timeout            | … IPC_CLOSED       | … IPC_CLOSED      | done              | done                   | itself                    | Listening    | 0 in, 0 out
  connected              | … Closed           | timeout            | … IPC_CLOSED       | done              | done              | done                   | itself                    | Connected    | 0 in, 0 out
  stalled                | … Closed           | timeout            | … IPC_CLOSED       | … IPC_CLOSED      | … IPC_CLOSED      | … IPC_CLOSE_INCOMPLETE | itself                    | Connected    | 0 in, 2 out
  disconnected           | … Closed           | timeout            | … IPC_CLOSED       | IPC_NOT_CONNECTED | IPC_NOT_CONNECTED | done                   | itself                    | Disconnected | 0 in, 0 out
  closing                | … Closed           | timeout            | … end              | IPC_CLOSED        | IPC_CLOSED        | … IPC_CLOSE_INCOMPLETE | itself                    | Closing      | 0 in, 2 out
  closed                 | IPC_CLOSED         | IPC_CLOSED         | end                | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Closed       | 0 in, 0 out
  failed                 | IPC_TIMED_OUT      | IPC_TIMED_OUT      | IPC_TIMED_OUT      | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Error        | 0 in, 0 out
  destroyed              | IPC_CLOSED         | IPC_CLOSED         | IPC_CLOSED         | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Closed       | 0 in, 0 out
  waiting for a read     | … IPC_CLOSED       | timeout            | IPC_CONSUMER_TAKEN | done              | done              | done                   | throws IPC_CONSUMER_TAKEN | Connected    | 0 in, 0 out
  iterated over          | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | done              | done              | done                   | throws IPC_CONSUMER_TAKEN | Connected    | 0 in, 0 out
  listened to            | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | done              | done              | done                   | itself                    | Connected    | 0 in, 0 out
  listened to and paused | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | done              | done              | done                   | itself                    | Connected    | 0 in, 0 out
  listened to and closed | IPC_CLOSED         | IPC_CLOSED         | end                | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Closed       | 0 in, 0 out
  resumed after its end  | IPC_CLOSED         | IPC_CLOSED         | end                | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Closed       | 1 in, 0 out
  paused and destroyed   | IPC_CLOSED         | IPC_CLOSED         | IPC_CLOSED         | IPC_CLOSED        | IPC_CLOSED        | done                   | itself                    | Closed       | 0 in, 0 out
  locked                 | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | IPC_CONSUMER_TAKEN | done              | done              | done                   | throws IPC_CONSUMER_TAKEN | Connected    | 0 in, 0 out
`);

/** The calls that change the peer or wait, and the columns with their outcome. */
const CALLS: Readonly<Record<string, readonly [column: string, call: (peer: TestPeer) => unknown]>> = {
  read: ["read", (peer) => peer.read()],
  readTimed: ["readTimed", (peer) => peer.readTimed(0)],
  asyncIterator: ["iterate", (peer) => peer[Symbol.asyncIterator]().next()],
  write: ["write", (peer) => peer.write(1, "a")],
  "write of 3 MB": ["write", (peer) => peer.write(1, TOO_MUCH)],
  writeMessage: ["write", (peer) => peer.writeMessage({ type: 1, data: "a" })],
  flush: ["flush", (peer) => peer.flush()],
  close: ["close", (peer) => peer.close({ timeoutMs: 1_000_000 })],
  asyncDispose: ["close", (peer) => peer[Symbol.asyncDispose]()],
  on: ["listen", (peer) => peer.on("message", () => {})],
  once: ["listen", (peer) => peer.once("message", () => {})],
};

/** The calls that change nothing, with their outcome in every state; undefined: a column has it. */
const STEADY: Readonly<Record<string, readonly [outcome: string | undefined, call: (peer: TestPeer) => unknown]>> = {
  status: [undefined, (peer) => peer.status],
  stats: [undefined, ({ stats }) => `${stats.messagesReceived} in, ${stats.messagesSent} out`],
  "write of type 0": ["RangeError", (peer) => peer.write(0, "a")],
  pause: ["itself", (peer) => peer.pause()],
  resume: ["itself", (peer) => peer.resume()],
  ref: ["itself", (peer) => peer.ref()],
  unref: ["itself", (peer) => peer.unref()],
  off: ["itself", (peer) => peer.off("message", () => {})],
  security: ["plain", (peer) => peer.security.mode],
  name: ["orders", (peer) => peer.name],
  remote: ["orders", (peer) => peer.remote],
};

it("covers every call of a peer", () => {
  // Their own tests cover them: `drain` waits for time to pass, and two are for layers.
  const layers = ["@ipc/session joinDrain", "@ipc/session endConnection"];
  const others = ["destroy", "drain", "statusCode", "constructor", ...layers];
  const called = [...Object.keys(CALLS), ...Object.keys(STEADY), ...others];
  const members = Reflect.ownKeys(PeerSession.prototype).map((key) =>
    typeof key === "symbol" ? String(key.description?.split(".").at(-1)) : key,
  );
  expect(members.filter((member) => !called.includes(member))).toEqual([]);
});

describe.each(Object.entries(STATES))("a peer that is %s", (state, make) => {
  it.each(Object.entries(CALLS))("answers a %s as its row says", async (_name, [column, call]) => {
    await expectOutcome(await make(false), call, cellOf(state, column));
  });

  it("answers every call without effect as its row says, then accepts destroy", async () => {
    const peer = await make(false);
    for (const [name, [word, call]] of Object.entries(STEADY)) {
      await expectOutcome(peer, call, word ?? cellOf(state, name));
    }
    expect(peer.destroy()).toBeUndefined();
  });
});

const UNREADABLE = [
  "waiting",
  "waiting for a read",
  "iterated over",
  "listened to",
  "listened to and paused",
  "listened to and closed",
  "resumed after its end",
  "paused and destroyed",
  "locked",
];

describe.each(Object.entries(STATES).filter(([state]) => !UNREADABLE.includes(state)))(
  "a peer that has not read a message and is %s",
  (state, make) => {
    it.each(Object.entries(CALLS))(
      "delivers it to every way of reading, and answers a %s",
      async (_name, [column, call]) => {
        const isReading = ["read", "readTimed", "iterate"].includes(column);
        await expectOutcome(await make(true), call, isReading ? '"b"' : cellOf(state, column));
      },
    );
  },
);
