import { setImmediate } from "node:timers";

/**
 * Connections whose writers go on in the same macrotask: with 64 KiB each they would reach the 256 KiB that all connections may batch
 * in a tick, and with 32 KiB on average they still send batches that are worth a write, a read and a call of the cipher.
 */
const CONNECTIONS_PER_TURN = 8;

/** The turns that are still to come, one in each macrotask. */
const turns: WriteTurn[] = [];

/**
 * A macrotask in which the writers of a few connections go on. Loops that await each write alternate message by message: with a
 * thousand of them in one macrotask, every message finds the memory of its connection out of the processor's caches, batches are
 * small, and the macrotask is long.
 */
export class WriteTurn {
  /** Resolves when the turn has come. */
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #connections = 0;
  #hasCome = false;

  private constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /**
   * Gives a connection a place in the first turn that has one left, behind the connections that wait already.
   * @param current the last turn of this connection, which it keeps until the turn has come: a connection has one place, however many
   * of its writes wait
   */
  static take(current: WriteTurn | undefined): WriteTurn {
    if (current !== undefined && !current.#hasCome) return current;
    let turn = turns.at(-1);
    if (turn === undefined || turn.#connections === CONNECTIONS_PER_TURN) {
      turn = new WriteTurn();
      if (turns.push(turn) === 1) setImmediate(WriteTurn.#next);
    }
    turn.#connections++;
    return turn;
  }

  static readonly #next = (): void => {
    const turn = turns.shift();
    if (turns.length > 0) setImmediate(WriteTurn.#next);
    if (turn === undefined) return;
    turn.#hasCome = true;
    turn.#resolve();
  };
}
