/** A message by its writer, a process, and its place among that one's writes, from 0 on. */
export interface Entry {
  readonly process: number;
  readonly number: number;
}

/** Whether a write was accepted. */
export type Fate = "accepted" | "rejected" | "unknown";

/** The report of a lost session to its writer. */
export interface Loss {
  readonly undelivered: readonly Entry[];
  readonly unconfirmed: number;
  /** Whether the other side has proved how much it received, and still has it. */
  readonly isExact: boolean;
}

/** A broken promise of `resume`. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

interface Row extends Entry {
  fate: Fate | "pending";
  /** The process that took it. */
  takenBy: number | undefined;
  /** Undefined: the session of its write was not lost. */
  told: "taken" | "uncertain" | "undelivered" | undefined;
}

/**
 * The reference for one direction: an array of what was written, and one of what was taken. It knows nothing of connections, counts
 * and acknowledgements. Several processes write and take; what one writes reaches each of the others in order.
 */
export class Ledger {
  readonly #name: string;
  readonly #written: Row[] = [];
  readonly #taken: Row[] = [];

  /** @param name of the direction */
  constructor(name: string) {
    this.#name = name;
  }

  /** @param fate unknown: it waits for more than to be accepted */
  write(process: number, fate: "pending" | "unknown" = "pending"): Entry {
    const number = this.#written.filter((row) => row.process === process).length;
    const row: Row = { process, number, fate, takenBy: undefined, told: undefined };
    this.#written.push(row);
    return row;
  }

  settle(entry: Entry, fate: Fate): void {
    this.#find(entry).fate = fate;
  }

  /** @param reader the process that takes it */
  take(entry: Entry, reader: number): void {
    const row = this.#find(entry);
    const last = this.#taken.findLast(({ process, takenBy }) => process === row.process && takenBy === reader);
    if (row.takenBy !== undefined) this.#break(row, "was taken twice");
    if (row.told === "undelivered") this.#break(row, "was taken, and its writer was told that it had not arrived");
    if (last !== undefined && row.number < last.number) this.#break(row, `was taken after ${nameOf(last)}`);
    row.takenBy = reader;
    this.#taken.push(row);
  }

  /** Checks that a write whose other side has it is taken. */
  assertTaken(entry: Entry): void {
    const row = this.#find(entry);
    if (row.takenBy === undefined) this.#break(row, "was not taken when its write said so");
  }

  /** Holds what the writer is told against what it has written since it was told before. */
  lose(process: number, { undelivered, unconfirmed, isExact }: Loss): void {
    const open = this.#written.filter((row) => row.process === process && row.told === undefined);
    const missing = undelivered.map((entry) => this.#find(entry));
    for (const [index, row] of missing.entries()) {
      if (!open.includes(row) || row.fate === "rejected")
        this.#break(row, "was not accepted in this session, and is called lost");
      if (row.takenBy !== undefined) this.#break(row, "was taken, and is called lost");
      if (index > 0 && row.number <= (missing[index - 1] as Row).number) this.#break(row, "is lost out of order");
      row.told = "undelivered";
    }
    const first = missing[0];
    const at = first === undefined ? open.length : open.indexOf(first);
    for (const row of open.slice(at)) {
      if (row.fate === "accepted" && !missing.includes(row))
        this.#break(row, "was accepted, and is not among those lost");
    }
    const before = open.slice(0, at).filter(({ fate }) => fate === "accepted" || fate === "unknown");
    // A write that waited for more than to be accepted may be among them or not.
    const unknown = before.filter(({ fate }) => fate === "unknown").length;
    const uncertain = before.splice(Math.max(0, before.length - unconfirmed - unknown));
    for (const row of uncertain) row.told = isExact ? "taken" : "uncertain";
    for (const row of before) {
      if (row.takenBy === undefined) this.#break(row, "is neither lost nor uncertain, and was not taken");
      row.told = "taken";
    }
  }

  /** The writer is gone, and is told nothing more: what it wrote, and was not told of, may still arrive. */
  forget(process: number): void {
    for (const row of this.#written) if (row.process === process && row.told === undefined) row.fate = "unknown";
  }

  /** The writer has closed, so everything that was accepted has been received. */
  close(process: number): void {
    for (const row of this.#written) if (row.process === process) row.told ??= "taken";
  }

  /** The reader is gone, with what it had received and not taken. */
  forgetUnread(): void {
    for (const row of this.#written) if (row.told === "taken" && row.takenBy === undefined) row.told = "uncertain";
  }

  /** The accepted messages that are to arrive, and have not. */
  get missing(): string[] {
    return this.#written
      .filter(
        ({ fate, takenBy, told }) =>
          fate === "accepted" && takenBy === undefined && (told === undefined || told === "taken"),
      )
      .map(nameOf);
  }

  #find({ process, number }: Entry): Row {
    const row = this.#written.find((one) => one.process === process && one.number === number);
    if (row === undefined) throw new BrokenPromise(`${this.#name}: ${nameOf({ process, number })} was never written`);
    return row;
  }

  #break(row: Row, what: string): never {
    throw new BrokenPromise(`${this.#name}: ${nameOf(row)} ${what}`);
  }
}

function nameOf({ process, number }: Entry): string {
  return `message ${number} of process ${process}`;
}
