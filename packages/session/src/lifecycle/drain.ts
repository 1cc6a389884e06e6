import { clearImmediate, clearInterval, setImmediate, setInterval } from "node:timers";
import { Deferred } from "../deferred.js";

/** How long a connection must be idle, and the least that the close at the end of a drain may take, in milliseconds. */
const IDLE_MS = 250;
const TICK_MS = 25;
const IDLE_TICKS: number = IDLE_MS / TICK_MS;

/** The activity that a drain waits for. */
export interface DrainActivity {
  /** Changes whenever a part of a message arrives; undefined once there is no connection. */
  readonly received: () => number | undefined;
  /** Whether something is under way that has to end first. */
  readonly isBusy: () => boolean;
}

/**
 * The key of the method by which a layer over a peer, such as calls, joins its drain. Registered by name, because a layer does not
 * import this package.
 */
export const joinDrain: unique symbol = Symbol.for("@ipc/session joinDrain");

/** A layer over a peer, with work that is more than messages. */
export interface DrainMember {
  /** Whether work is under way that a drain waits for. Called every 25 ms of a drain. */
  readonly isBusy: () => boolean;
  /** Called when a drain has begun, once; at once if it has begun before. Must not throw. */
  readonly onDrain: () => void;
}

/** The layers over one peer. */
export class DrainMembers {
  #members: readonly DrainMember[] = [];
  #isDraining = false;

  get isBusy(): boolean {
    return this.#members.some((member) => member.isBusy());
  }

  add(member: DrainMember): void {
    this.#members = [...this.#members, member];
    if (this.#isDraining) member.onDrain();
  }

  onDrain(): void {
    this.#isDraining = true;
    for (const member of this.#members) member.onDrain();
  }
}

export interface DrainClock {
  /** Milliseconds, from any start. */
  readonly now: () => number;
  /** Calls `tick` every `ms` milliseconds, after the input of that moment. Returns a function that cancels it. */
  readonly every: (ms: number, tick: () => void) => () => void;
}

/** The process's clock. Its timer keeps the process alive, as that of a close does: a drain has an end. */
const processClock: DrainClock = Object.freeze({
  now: () => performance.now(),
  every(ms: number, tick: () => void): () => void {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setInterval(() => {
      // A busy process finds timers due before it has read anything.
      immediate = setImmediate(tick);
    }, ms);
    return () => {
      clearInterval(timer);
      clearImmediate(immediate);
    };
  },
});

export interface DrainOptions {
  /** From the start to the close, in milliseconds. */
  readonly timeoutMs: number;
  /** Closes within `ms` milliseconds. Called once. */
  readonly close: (ms: number) => Promise<void>;
}

/**
 * Waits until a connection is idle, and closes it.
 *
 * ```
 *  draining ── 250 ms without a message, and never busy ───────▶ close
 *     ├─────── no connection any more, and not busy ───────────▶ close
 *     └─────── `timeoutMs` over, or `stop` ────────────────────▶ close
 * ```
 *
 * It counts ticks and not time: for one that is late, however late, it counts 25 ms, so a process that was busy does not take its
 * own silence for its peer's.
 */
export class Drain {
  readonly #activity: DrainActivity;
  readonly #options: DrainOptions;
  readonly #clock: DrainClock;
  readonly #endsAt: number;
  readonly #done: Deferred<void> = new Deferred<void>({ what: "drain", onCancel: () => {} });
  readonly #stopTimer: () => void;
  #received: number | undefined;
  #idleTicks = 0;
  #isOver = false;

  constructor(activity: DrainActivity, options: DrainOptions, clock: DrainClock = processClock) {
    this.#activity = activity;
    this.#options = options;
    this.#clock = clock;
    this.#endsAt = clock.now() + options.timeoutMs;
    this.#received = activity.received();
    this.#stopTimer = clock.every(TICK_MS, () => this.#tick());
  }

  /** Settles as the close does. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Waits no longer, because the connection is closed or destroyed. Idempotent. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimer();
    this.#done.resolve(this.#options.close(Math.max(IDLE_MS, this.#endsAt - this.#clock.now())));
  }

  #tick(): void {
    if (this.#isOver) return;
    const received = this.#activity.received();
    const isIdle = !this.#activity.isBusy() && received === this.#received;
    this.#received = received;
    this.#idleTicks = isIdle ? this.#idleTicks + 1 : 0;
    const isOver = isIdle && (received === undefined || this.#idleTicks >= IDLE_TICKS);
    if (isOver || this.#clock.now() >= this.#endsAt) this.stop();
  }
}
