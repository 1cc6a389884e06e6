import { clearImmediate, clearInterval, setImmediate, setInterval } from "node:timers";
import { type HeartbeatTicks, Silence } from "./silence.js";

/** Ticks in the shortest of the times, if it is long enough: a time is exact to one tick. */
const TICKS_PER_TIME = 8;

/** PINGs between two yields to the event loop, because each costs a system call: 10 000 in a row would delay every connection. */
const PINGS_PER_SLICE = 32;

/** Members that can be judged in about the time of one PING. */
const MEMBERS_PER_PING = 32;

export interface HeartbeatOptions {
  /** From the last byte to a PING, and from one PING to the next, in milliseconds; 0: no PINGs. */
  readonly heartbeatMs: number;
  /** From the last byte to the end of a connection, in milliseconds; 0: never. */
  readonly idleTimeoutMs: number;
}

/** A connection, as its heartbeat sees it. */
export interface HeartbeatMember {
  /** Bytes received so far, of whatever kind. */
  readonly receivedBytes: number;
  /** Whether this side does not read at the moment. */
  readonly isInputPaused: boolean;
  /** Sends a PING, if the peer knows them. */
  ping(): void;
  /** Called when nothing has arrived for `silenceMs`. The member must call `heard` as soon as bytes arrive. */
  onSilent(silenceMs: number): void;
  /** Called when bytes have arrived after `onSilent`. */
  onResponsive(silenceMs: number): void;
  /** Called when nothing has arrived for `idleTimeoutMs`. The connection must end. */
  onIdle(silenceMs: number): void;
}

/** The time of a heartbeat. Each method returns a function that cancels it. */
export interface HeartbeatClock {
  /** Calls `tick` every `ms` milliseconds; one that is late is not made up for. */
  readonly every: (ms: number, tick: () => void) => () => void;
  /** Calls `resume` once the event loop has read what the kernel holds for this process. */
  readonly afterInput: (resume: () => void) => () => void;
}

/** The process's clock. Its timer does not keep the process alive. */
export const systemClock: HeartbeatClock = Object.freeze({
  every(ms: number, tick: () => void): () => void {
    const timer = setInterval(tick, ms).unref();
    return () => clearInterval(timer);
  },
  afterInput(resume: () => void): () => void {
    // Immediates run after the event loop has polled for input. A busy process finds timers due before it has read anything.
    const immediate = setImmediate(resume);
    return () => clearImmediate(immediate);
  },
});

/**
 * Notices connections on which nothing arrives: one timer for all members. It reads no clock. A timer fires once, however late, so
 * the time for which this process was busy, stopped or asleep counts as one tick at the most.
 */
export class Heartbeat {
  readonly #clock: HeartbeatClock;
  readonly #tickMs: number;
  readonly #ticks: HeartbeatTicks;
  readonly #members = new Map<HeartbeatMember, Silence>();
  #stopTimer: (() => void) | undefined;
  /** The members that this tick has not reached. */
  #rest: Iterator<[HeartbeatMember, Silence]> | undefined;
  #cancelSlice: (() => void) | undefined;

  constructor({ heartbeatMs, idleTimeoutMs }: HeartbeatOptions, clock: HeartbeatClock = systemClock) {
    const shortest = Math.min(heartbeatMs || idleTimeoutMs, idleTimeoutMs || heartbeatMs);
    this.#clock = clock;
    this.#tickMs = Math.max(1, Math.floor(shortest / TICKS_PER_TIME));
    this.#ticks = {
      ping: Math.ceil(heartbeatMs / this.#tickMs),
      idle: Math.ceil(idleTimeoutMs / this.#tickMs),
    };
  }

  join(member: HeartbeatMember): void {
    const { ping, idle } = this.#ticks;
    if (ping === 0 && idle === 0) return;
    this.#members.set(member, new Silence(this.#ticks));
    this.#stopTimer ??= this.#clock.every(this.#tickMs, this.#onTick);
  }

  leave(member: HeartbeatMember): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#cancelSlice?.();
    this.#rest = undefined;
  }

  /** Notes that bytes have arrived at a member that was silent. */
  heard(member: HeartbeatMember): void {
    const silence = this.#members.get(member);
    if (silence !== undefined) this.#end(member, silence);
  }

  readonly #onTick = (): void => {
    // A process that has not finished a tick when the next one is due is busy.
    if (this.#rest !== undefined) return;
    this.#rest = this.#members.entries();
    this.#cancelSlice = this.#clock.afterInput(this.#runSlice);
  };

  readonly #runSlice = (): void => {
    for (let budget = PINGS_PER_SLICE * MEMBERS_PER_PING; budget > 0; ) {
      const next = this.#rest?.next();
      if (next === undefined) return;
      if (next.done === true) {
        this.#rest = undefined;
        return;
      }
      const [member, silence] = next.value;
      budget -= this.#judge(member, silence) ? MEMBERS_PER_PING : 1;
    }
    this.#cancelSlice = this.#clock.afterInput(this.#runSlice);
  };

  /** Returns whether a PING was sent. */
  #judge(member: HeartbeatMember, silence: Silence): boolean {
    if (silence.receivedBytes !== member.receivedBytes) {
      this.#end(member, silence);
      return false;
    }
    switch (silence.tick(member.isInputPaused)) {
      case "nothing":
        return false;
      case "ping":
        member.ping();
        return true;
      case "silent":
        member.onSilent(silence.length * this.#tickMs);
        return false;
      case "idle":
        member.onIdle(silence.length * this.#tickMs);
        return false;
    }
  }

  #end(member: HeartbeatMember, silence: Silence): void {
    const { isNoticed, length } = silence;
    silence.end(member.receivedBytes);
    if (isNoticed) member.onResponsive(length * this.#tickMs);
  }
}
