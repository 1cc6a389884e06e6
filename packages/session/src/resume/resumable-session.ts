import type { KeyObject } from "node:crypto";
import type { ResumeKeys } from "@ipc/crypto";
import type { EstablishedConnection } from "../codec/codec.js";
import type { DeliveryCounts } from "../codec/control-frame.js";
import { Deferred, handledRejection, type PromiseWatch } from "../deferred.js";
import { type IpcError, SessionError, type SessionLostCode, SessionLostError, traitsOf } from "../errors.js";
import type { ConnectionSecurity } from "../security.js";
import type { SharedBudget } from "../shared-budget.js";
import { AckPolicy } from "./ack-policy.js";
import { CountWaits } from "./count-waits.js";
import { ResendBuffer } from "./resend-buffer.js";
import { TakenSteps } from "./taken-steps.js";

/** The peer whose session it is, as the server's registry calls it. */
export interface SessionOwner {
  /** Ends the current connection, because the client is back on a new one: nothing that it brings counts any more. */
  fence(): void;
  /** Ends the session, which has no connection. */
  evict(why: string): void;
  /** Continues on a connection whose handshake has resumed the session. Returns false if it is too late. */
  connect(established: EstablishedConnection): boolean;
}

export interface SessionStart {
  /** The keys of the first connection. */
  readonly keys: ResumeKeys;
  readonly mode: number;
  readonly security: ConnectionSecurity;
  readonly bufferBytes: number;
  readonly budget: SharedBudget | undefined;
  readonly owner: SessionOwner;
  /** For the `steps`. */
  readonly onSettled: () => void;
}

/** Sends an ACK over the current connection. Returns false if an earlier one still waits in the send queue. */
type SendAck = (counts: DeliveryCounts) => boolean;

/** The messages that two processes deliver to each other, over one connection after another. */
export class ResumableSession {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly key: KeyObject;
  /** The proofs of the first connection, as MODE bits. */
  readonly mode: number;
  readonly security: ConnectionSecurity;
  readonly owner: SessionOwner;
  /** The messages that this side sends. */
  readonly resend: ResendBuffer;
  /** Those that it receives, as its application handles them. */
  readonly steps: TakenSteps;
  /** The attempt that the current connection, or the last one, has resumed the session with. */
  attempt = 0;
  readonly #takenWaits = new CountWaits();
  readonly #receivedWaits = new CountWaits();
  readonly #acks: AckPolicy;
  #sendAck: SendAck | undefined;
  /** The flushes that the last connection left unsettled. */
  #flushes: Deferred<void>[] = [];
  #received = 0;
  /** Of those, the messages up to the end of the last batch, and the bytes of data behind it. */
  #batched = 0;
  #newBytes = 0;
  #peerTaken = 0;
  /** The peer's counts at the end of the session, if it has told them. */
  #final: DeliveryCounts | undefined;
  /** The counts in the last ACK over the current connection. */
  #told: DeliveryCounts = { received: 0, taken: 0 };
  #isFinal = false;
  #isComplete = false;
  /** Why the peer tells nothing more. */
  #abandoned: Error | undefined;

  constructor({ keys, mode, security, bufferBytes, budget, owner, onSettled }: SessionStart) {
    this.id = keys.id;
    this.key = keys.key;
    this.mode = mode;
    this.security = security;
    this.owner = owner;
    this.resend = new ResendBuffer(bufferBytes, budget);
    this.#acks = new AckPolicy(() => this.#acknowledge(), bufferBytes);
    this.steps = new TakenSteps(onSettled, () => this.#acks.note());
  }

  get counts(): DeliveryCounts {
    return { received: this.#received, taken: this.steps.taken };
  }

  /** Whether a caller waits until the peer's application has taken a message. */
  get isAwaited(): boolean {
    return this.#takenWaits.size > 0;
  }

  /** Whether a connection that ends with `error` can be followed by another one of this session. */
  survives(error: IpcError): boolean {
    return !this.#isFinal && traitsOf(error.code).resumable === true;
  }

  /** Whether the peer has told its last counts, and receives nothing more. */
  get isConcluded(): boolean {
    return this.#final !== undefined;
  }

  /** Whether the session has ended, and the peer's application has taken every message. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The end of the current connection is that of the session. */
  finalize(): void {
    this.#isFinal = true;
  }

  /** A connection is there. `sendAck` is called until `detach`. */
  attach(sendAck: SendAck): void {
    this.#sendAck = sendAck;
    this.#acks.start();
  }

  /** @param flushes that the connection has not settled */
  detach(flushes: readonly Deferred<void>[]): void {
    this.#sendAck = undefined;
    this.#acks.stop();
    // The last ACK may be lost with the connection.
    this.#told = { received: 0, taken: 0 };
    this.#flushes.push(...flushes);
  }

  /** The messages that the connection left have been handed to a new one. */
  takeFlushes(): readonly Deferred<void>[] {
    return this.#flushes.splice(0);
  }

  /** Resolves when the next connection has flushed what it is handed. */
  whenFlushed(signal: AbortSignal | undefined): Promise<void> {
    const flush: Deferred<void> = new Deferred<void>({
      what: "flush",
      ...(signal && { signal }),
      onCancel: () => {
        this.#flushes = this.#flushes.filter((other) => other !== flush);
      },
    });
    this.#flushes.push(flush);
    return flush.promise;
  }

  /** Counts a message that goes into the inbox. `onBatch` follows. @param bytes of its data */
  onReceived(bytes: number): void {
    this.#received++;
    this.#newBytes += bytes;
  }

  /** Sees to the acknowledgement of the messages that were counted: at once for all of a batch, because each costs so little. */
  onBatch(): void {
    if (this.#received === this.#batched) return;
    this.#acks.onReceived(this.#received - this.#batched, this.#newBytes);
    this.#batched = this.#received;
    this.#newBytes = 0;
  }

  /** Whether the peer can have received, and its application taken, as many messages as it says. */
  isPossible({ received, taken = this.#peerTaken }: { received: number; taken?: number }): boolean {
    const { acknowledged, written } = this.resend;
    return received >= acknowledged && received <= written && taken >= this.#peerTaken && taken <= received;
  }

  /** Takes the peer's counts. @throws SessionError IPC_RECORD_INVALID for counts that cannot be */
  acknowledge({ received, taken }: DeliveryCounts): void {
    const { resend } = this;
    const isPossible = received >= resend.acknowledged && received <= resend.handed;
    if (!isPossible || taken < this.#peerTaken || taken > received) {
      throw new SessionError(
        "IPC_RECORD_INVALID",
        `invalid acknowledgement: ${received} messages received and ${taken} taken, of ${resend.handed} that were sent, ${resend.acknowledged} received and ${this.#peerTaken} taken before; the peer does not speak this protocol`,
      );
    }
    this.#release(received);
    this.#noteTaken(taken);
  }

  /**
   * Takes the peer's last counts, with which it announces its end: it receives nothing more, and no connection follows, however this
   * one ends.
   * @throws SessionError IPC_RECORD_INVALID
   */
  conclude(counts: DeliveryCounts): void {
    this.acknowledge(counts);
    this.#final = counts;
    this.#isFinal = true;
    this.abandon(new SessionError("IPC_PEER_CLOSED", "the peer has ended the session, and receives nothing more"));
  }

  /** Continues on a new connection. @param taken undefined if the peer has not told */
  rewind(received: number, taken: number | undefined): void {
    this.#release(received);
    this.resend.rewind();
    if (taken !== undefined) this.#noteTaken(taken);
  }

  /** Resolves when the peer's application has taken the message with this number. */
  whenTaken(
    number: number,
    what: string,
    signal: AbortSignal | undefined,
    watch?: PromiseWatch,
  ): Promise<void> | undefined {
    if (number <= this.#peerTaken) return undefined;
    return this.#takenWaits.add(number, { what, ...(signal && { signal }), watch });
  }

  /** Resolves when the peer has received every message. */
  whenReceived(what: string, signal: AbortSignal): Promise<void> | undefined {
    if (this.resend.messages === 0) return undefined;
    if (this.#abandoned !== undefined) return handledRejection(this.#abandoned);
    return this.#receivedWaits.add(this.resend.last, { what, signal });
  }

  /**
   * Ends the session: returns the error that tells which messages did not arrive, and rejects every wait with it.
   * @param final the peer's last counts, if it has proved them
   */
  end(
    code: SessionLostCode,
    what: string,
    options: { final?: DeliveryCounts | undefined; cause?: Error | undefined } = {},
  ): SessionLostError {
    const { final = this.#final, cause } = options;
    const { resend } = this;
    const taken = Math.max(final?.taken ?? 0, this.#peerTaken);
    const lost = resend.handOver(final?.received ?? resend.written);
    const unconfirmed = resend.last - lost.length - taken;
    this.#isComplete = lost.length + unconfirmed === 0;
    const error = new SessionLostError(
      code,
      `${what}: of ${resend.last} accepted messages ${taken} were taken by the peer, ${lost.length} did not arrive (\`undelivered\`), ${unconfirmed} are uncertain (\`unconfirmed\`)`,
      { undelivered: () => lost.read(), unconfirmed, cause },
    );
    this.close(error);
    return error;
  }

  /** The peer will tell nothing more. */
  abandon(error: Error): void {
    this.#abandoned ??= error;
    this.#receivedWaits.reject(error);
  }

  /** Frees what the session holds. */
  close(error: Error): void {
    this.#isFinal = true;
    this.#acks.stop();
    this.resend.clear();
    this.#takenWaits.reject(error);
    this.#receivedWaits.reject(error);
    for (const flush of this.#flushes.splice(0)) flush.reject(error);
  }

  #noteTaken(taken: number): void {
    if (taken <= this.#peerTaken) return;
    this.#peerTaken = taken;
    this.#takenWaits.resolve(taken);
  }

  #release(received: number): void {
    this.resend.release(received);
    this.#receivedWaits.resolve(received);
  }

  #acknowledge(): boolean {
    const { counts } = this;
    if (counts.received === this.#told.received && counts.taken === this.#told.taken) return true;
    if (this.#sendAck?.(counts) !== true) return false;
    this.#told = counts;
    return true;
  }
}
