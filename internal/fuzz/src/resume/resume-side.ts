import type { DataMessage, Peer, Status } from "@ipc/client";
import { BrokenPromise, type Entry, type Ledger } from "./ledger.js";

const TYPE = 7;
/** Then a read rejects when it has handed out what was unread. A server goes on. */
const ENDED: ReadonlySet<Status> = new Set<Status>(["Closed", "Disconnected"]);

export interface SideStart {
  readonly peer: Peer;
  readonly process: number;
  readonly out: Ledger;
  readonly from: Ledger;
  /** Whether the other side has proved what it received when a session ends with this code; undefined: none may end so. */
  readonly isProved: (code: string) => boolean | undefined;
}

/** One process, or one connection of a manager: its peer, what it writes, and what it takes when the test lets it. */
export class ResumeSide {
  readonly process: number;
  readonly #peer: Peer;
  readonly #out: Ledger;
  readonly #in: Ledger;
  /** How many messages it may take. */
  #allowed = 0;
  #allow: () => void = () => {};
  #isOver = false;
  /** The first broken promise. */
  failure: BrokenPromise | undefined;
  /** Writes that have not settled. */
  pendingWrites = 0;

  /** Sessions whose end it was told. */
  losses = 0;

  constructor({ peer, process, out, from, isProved }: SideStart) {
    this.process = process;
    this.#peer = peer;
    this.#out = out;
    this.#in = from;
    peer.on("lost", (error) =>
      this.#note(() => {
        const isExact = isProved(error.code);
        if (isExact === undefined || !("undelivered" in error))
          throw new BrokenPromise(`lost: ${error.code}, ${error.message}`);
        this.losses++;
        const undelivered = error.undelivered.map(({ data }) => decode(data));
        out.lose(process, { undelivered, unconfirmed: error.unconfirmed, isExact });
      }),
    );
    void this.#take();
  }

  get peer(): Peer {
    return this.#peer;
  }

  write(bytes: number, untilTaken: boolean): void {
    const entry = this.#out.write(this.process, untilTaken ? "unknown" : "pending");
    const options = untilTaken ? ({ until: "taken" } as const) : {};
    this.pendingWrites++;
    const written = this.#peer.write(TYPE, encode(entry, bytes), options).finally(() => this.pendingWrites--);
    written.then(
      () =>
        this.#note(() => {
          this.#out.settle(entry, "accepted");
          if (untilTaken) this.#out.assertTaken(entry);
        }),
      () => {
        if (!untilTaken) this.#out.settle(entry, "rejected");
      },
    );
  }

  /** Lets it take so many messages. */
  allow(messages: number): void {
    this.#allowed += messages;
    this.#allow();
  }

  /** Kills the process: nothing of it goes on. */
  kill(): void {
    this.#isOver = true;
    this.#in.forgetUnread();
    this.#peer.destroy();
    this.#out.forget(this.process);
  }

  /** The process has closed its peer. @param hasRead whether it has taken everything that it had received */
  close(hasRead: boolean): void {
    this.#isOver = true;
    if (!hasRead) this.#in.forgetUnread();
    this.#out.close(this.process);
  }

  async #take(): Promise<void> {
    try {
      for (;;) {
        while (this.#allowed <= 0) await new Promise<void>((resolve) => (this.#allow = resolve));
        const message = await this.#peer.read();
        if (this.#isOver) return;
        if (message.kind === "data") this.#takeOne(message);
      }
    } catch (error) {
      if (!this.#isOver && !ENDED.has(this.#peer.status)) this.#fail(error);
    }
  }

  #takeOne({ data }: DataMessage): void {
    this.#allowed--;
    this.#in.take(decode(data), this.process);
  }

  #note(check: () => void): void {
    if (this.#isOver) return;
    try {
      check();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.failure ??= new BrokenPromise(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function encode({ process, number }: Entry, bytes: number): Buffer {
  return Buffer.from(`${process} ${number} `.padEnd(bytes, "x"));
}

function decode(data: Uint8Array): Entry {
  const [process, number] = Buffer.from(data).toString().split(" ").map(Number);
  return { process: process as number, number: number as number };
}
