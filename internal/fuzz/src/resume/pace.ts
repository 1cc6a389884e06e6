import { generateKeyPair } from "node:crypto";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { promisify } from "node:util";
import { BrokenPromise } from "./ledger.js";

/** The longest pause for an acknowledgement. */
const ACK_MS = 20;
/** Rounds without progress, each one as long as some steps of a handshake, after which nothing comes any more. */
const STALLED_ROUNDS = 150;
/** Rounds in which a connection is made again and again, and nothing comes of it. */
const MOST_ROUNDS = 1_000;

const inThreadPool = promisify(generateKeyPair);

export interface PaceStart {
  /** Lets the stopped clock go on. */
  readonly pass: (ms: number) => void;
  /** Changes with every byte that passes. */
  readonly progress: () => number;
  /** Whether key agreements may be under way. */
  readonly isConnecting: () => boolean;
  /** Throws what has gone wrong. */
  readonly check: () => void;
  /** Called once in each wait, when nothing has come for long. */
  readonly onStalled: () => void;
}

/** Waits in turns of the event loop, while the clock is stopped. */
export class Pace {
  readonly #start: PaceStart;

  constructor(start: PaceStart) {
    this.#start = start;
  }

  /** Lets the event loop turn, and an acknowledgement become due. */
  async turn(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < 4; turn++) await nextMacrotask();
      this.#start.pass(ACK_MS);
    }
  }

  /** Lets handshakes go on, too. Key agreements run in threads, which a turn of the event loop does not wait for. */
  async shakeHands(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.turn(1);
      await inThreadPool("ec", { namedCurve: "P-384" });
    }
  }

  /** @throws BrokenPromise when it does not become so */
  async until(what: string, isSo: () => boolean, describe = (): string => ""): Promise<void> {
    const { progress, isConnecting, check, onStalled } = this.#start;
    let stalled = 0;
    for (let round = 0; !isSo(); round++) {
      if (stalled > STALLED_ROUNDS || round > MOST_ROUNDS)
        throw new BrokenPromise(`stands still before ${what} ${describe()}`);
      const before = progress();
      await (isConnecting() ? this.shakeHands(1) : this.turn(1));
      stalled = progress() === before ? stalled + 1 : 0;
      if (stalled === STALLED_ROUNDS / 2 || round === MOST_ROUNDS / 2) onStalled();
      check();
    }
  }
}
