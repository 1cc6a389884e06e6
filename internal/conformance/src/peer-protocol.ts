import { crc32 } from "node:zlib";

/** Counted by the receiver, not answered. go-peer/session.go has the same three; any other type is echoed. */
export const ONE_WAY = 100;
/** Answered with `REPORT_GIVEN`: the JSON of the `Tally` of one-way messages, which starts again from zero. */
export const REPORT_WANTED = 101;
export const REPORT_GIVEN = 102;

/** The totals of a run of messages. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
  /** CRC-32 over the data in order: it also notices reordering. */
  readonly checksum: number;
}

/** Sums up messages as they come. */
export class TallyKeeper {
  #count = 0;
  #bytes = 0;
  #checksum = 0;

  add(data: Uint8Array): void {
    this.#count++;
    this.#bytes += data.length;
    this.#checksum = crc32(data, this.#checksum);
  }

  /** Returns what was counted and starts again from zero. */
  take(): Tally {
    const taken = { count: this.#count, bytes: this.#bytes, checksum: this.#checksum };
    this.#count = this.#bytes = this.#checksum = 0;
    return taken;
  }
}

/** Gives message number `i` of a run, `size` bytes, by the formula of go-peer/tally.go. */
export function payload(i: number, size: number): Uint8Array {
  const data = new Uint8Array(size);
  for (let j = 0; j < size; j++) data[j] = i + j * 7 + (j >> 8);
  return data;
}

/** Returns the totals of so many messages of a size. */
export function tallyOf({ count, size }: { readonly count: number; readonly size: number }): Tally {
  const keeper = new TallyKeeper();
  for (let i = 0; i < count; i++) keeper.add(payload(i, size));
  return keeper.take();
}
