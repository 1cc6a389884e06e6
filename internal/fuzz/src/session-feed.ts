import type { Duplex } from "node:stream";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import type { MessageBody } from "@ipc/framing";
import { type IpcError, type IpcErrorCode, isIpcError } from "@ipc/session";
import {
  type Handshake,
  type HandshakeAnswer,
  type HandshakeOutcome,
  type HandshakeResult,
  runHandshake,
} from "@ipc/session/handshake";
import {
  type EstablishedConnection,
  PeerCore,
  type PeerLimits,
  PeerSession,
  SlipReporter,
} from "@ipc/session/internal";
import { memoryPair } from "@ipc/transport";
import type { Waits, Wire } from "@ipc-internal/stress";
import { FIRST_FRAME, LATER_FRAME } from "./conversation.js";
import { assertAuthentic, assertInOrder, assertWhole } from "./delivery.js";
import { answerFromMemory, MAX_MESSAGE_SIZE, makeHandshake, type Role } from "./handshakes.js";
import type { Input } from "./input.js";
import { BadEnding, type Ending, IN_ORDER } from "./tally.js";

/** Never reached: the input's end must end every wait. */
const TIMEOUT_MS = 600_000;

/** A chunk takes a turn of the event loop, and so does an answer to it. */
const TURNS_TO_ANSWER = 5;

const HANDSHAKE_CODES: ReadonlySet<IpcErrorCode> = new Set([
  "IPC_HANDSHAKE_FAILED",
  "IPC_VERSION_MISMATCH",
  "IPC_ENCRYPTION_REFUSED",
  "IPC_SERVER_BUSY",
  "IPC_PUBLIC_KEY_INVALID",
  "IPC_DECRYPTION_FAILED",
  "IPC_AUTHENTICATION_FAILED",
  "IPC_RECORD_INVALID",
]);

const SESSION_CODES: ReadonlySet<IpcErrorCode> = new Set([
  "IPC_CONNECTION_LOST",
  "IPC_FRAME_TOO_LARGE",
  "IPC_FRAME_TOO_SHORT",
  "IPC_DECRYPTION_FAILED",
  "IPC_PEER_CLOSED",
  "IPC_RECORD_INVALID",
]);

const MIB = 1_048_576;
const LIMITS: PeerLimits = {
  maxMessageSize: MAX_MESSAGE_SIZE,
  maxQueuedBytes: MIB,
  maxUnreadBytes: MIB,
  busyPollUs: 0,
  heartbeatMs: 0,
  idleTimeoutMs: 0,
};

/** The conversation over one stream whose handshake was run with keys of the test's. Keeps how it ended. */
class FedSession extends PeerSession {
  lost: { readonly error: IpcError; readonly clean: boolean } | undefined;

  constructor(established: EstablishedConnection) {
    const { security } = established.outcome.codec;
    const core: PeerCore = new PeerCore(
      {
        name: "orders",
        limits: LIMITS,
        slips: new SlipReporter(console, "fed session"),
        security,
        status: "Not Connected",
        remote: established.remote,
      },
      {
        onDisconnected: (error, clean) => {
          this.lost = { error, clean };
          core.setStatus("Disconnected");
          core.finish("Disconnected", clean ? undefined : error);
        },
      },
    );
    super(core);
    core.connect(established);
  }
}

/** Reads until a read rejects: the messages, and that error. */
async function readToEnd(session: FedSession): Promise<{ messages: MessageBody[]; error: unknown }> {
  const messages: MessageBody[] = [];
  try {
    for (;;) {
      const received = await session.read();
      if (received.kind === "data") messages.push(received);
    }
  } catch (error) {
    return { messages, error };
  }
}

/** Feeds a handshake, and the session that may follow it; resolves when all that waits has ended. */
export async function feedSession(input: Input, waits: Waits): Promise<Ending> {
  const { target, wire } = input;
  const role: Role = target === "server" ? "server" : "client";
  const [near, far] = memoryPair();
  const closed = waits.track("the stream's close", closeOf(near));
  const watched = new WatchedHandshake(role, wire);
  void pour(far, input);
  let shaken: HandshakeResult<HandshakeOutcome>;
  try {
    shaken = await waits.track("the handshake", shakeHands(near, watched, input));
  } catch (error) {
    await closed;
    const code = codeOf(error, HANDSHAKE_CODES, "the handshake");
    return { target, wire, state: watched.state, code, messages: 0 };
  }
  const { result: outcome, rest } = shaken;
  const session = new FedSession({ stream: near, outcome, rest, remote: "fed" });
  const writing = input.writes ? write(session, outcome.maxSendSize, waits) : Promise.resolve();
  const { messages } = await waits.track("the reads", readToEnd(session));
  await Promise.all([closed, writing]);
  const { mode } = outcome.codec.security;
  const ending: Ending = { target, wire: mode, ...describeEnd(session, messages), messages: messages.length };
  const hasControlFrames = outcome.features !== 0;
  if (mode === "plain")
    assertWhole(input, { handshakeBytes: watched.receivedBytes, hasControlFrames }, messages, ending.code);
  else if (mode === "compatible") assertAuthentic(messages);
  else assertInOrder(messages, ending.code);
  return ending;
}

/** A handshake that tells what it waits for. */
class WatchedHandshake {
  state = "its start";
  receivedBytes = 0;
  readonly #role: Role;
  readonly #handshake: Handshake<HandshakeOutcome>;

  constructor(role: Role, wire: Wire) {
    this.#role = role;
    this.#handshake = makeHandshake(role, wire);
  }

  *run(): Handshake<HandshakeOutcome> {
    let step = this.#handshake.next();
    while (step.done !== true) {
      const { value } = step;
      if (value.kind === "receive") this.state = value.what;
      const answer: HandshakeAnswer = answerFromMemory(this.#role, value) ?? (yield value);
      if (value.kind === "receive") this.receivedBytes += value.bytes;
      step = this.#handshake.next(answer);
    }
    return step.value;
  }
}

async function shakeHands(
  near: Duplex,
  watched: WatchedHandshake,
  { agree }: Input,
): Promise<HandshakeResult<HandshakeOutcome>> {
  if (agree !== undefined) return { result: agree(), rest: new Uint8Array(0) };
  return runHandshake(near, watched.run(), { timeoutMs: TIMEOUT_MS });
}

function closeOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

/** Writes all of the input, ignores the answers, and ends. */
async function pour(far: Duplex, { chunks, end, patient }: Input): Promise<void> {
  far.resume();
  for (const chunk of chunks) far.write(chunk);
  for (let turn = 0; patient && turn < TURNS_TO_ANSWER; turn++) await nextMacrotask();
  if (end === "end") far.end();
  else far.write(new Uint8Array(0), () => far.destroy(new Error("reset")));
}

/** A small write, one that goes by itself, and a flush: each settles with any input. */
async function write(session: FedSession, maxSendSize: number, waits: Waits): Promise<void> {
  const small = session.write(1, new Uint8Array(Math.min(maxSendSize, 9)));
  const large = session.write(2, new Uint8Array(Math.min(maxSendSize, 100_000)));
  for (const wait of [small, large, session.flush()]) {
    try {
      await waits.track("a write", wait);
    } catch (error) {
      codeOf(error, SESSION_CODES, "a write");
    }
  }
}

function describeEnd({ lost }: FedSession, messages: readonly MessageBody[]): Pick<Ending, "state" | "code"> {
  if (lost === undefined) throw new BadEnding("the session ended, and its connection did not");
  if (lost.clean) {
    return { state: messages.length === 0 ? IN_ORDER.silent : IN_ORDER.after, code: undefined };
  }
  const code = codeOf(lost.error, SESSION_CODES, "the connection");
  return { state: messages.length === 0 ? FIRST_FRAME : LATER_FRAME, code };
}

function codeOf(error: unknown, allowed: ReadonlySet<IpcErrorCode>, what: string): IpcErrorCode {
  if (!isIpcError(error)) throw new BadEnding(`${what} failed with ${String(error)}`, { cause: error });
  if (!allowed.has(error.code))
    throw new BadEnding(`${what} ended with ${error.code}: ${error.message}`, { cause: error });
  return error.code;
}
