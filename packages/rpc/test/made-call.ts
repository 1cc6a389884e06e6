import { expect } from "vitest";
import type { CallStream } from "../src/calls/remote-types.js";
import type { Executed } from "../src/rpc-error.js";
import { KIND } from "../src/wire/frame.js";
import type { FakePeer } from "./fake-peer.js";

/** Items that the handler of a stream gives before it gives back those of its caller. */
export const ITEMS = 300;

/** A call of a world, with what its caller was told of it. */
export class MadeCall {
  readonly by: FakePeer;
  readonly what: "unary" | "once" | "stream";
  readonly abort: AbortController;
  /** "yes" with the value, or what the error says. */
  outcome: { readonly executed: Executed | undefined; readonly code?: unknown; readonly value?: unknown } | undefined;
  readonly #items: AsyncIterator<number, undefined> | undefined;
  /** Calls of `next` that have not settled. */
  #reading = 0;
  readonly #read: number[] = [];

  constructor(
    { by, what, abort }: Pick<MadeCall, "by" | "what" | "abort">,
    started: Promise<number> | CallStream<number, number>,
  ) {
    this.by = by;
    this.what = what;
    this.abort = abort;
    if ("result" in started) this.#items = started[Symbol.asyncIterator]();
    ("result" in started ? started.result : started).then(
      (value) => {
        this.outcome = { executed: "yes", value };
      },
      ({ executed, code }: { readonly executed?: Executed; readonly code?: unknown }) => {
        this.outcome = { executed, code };
      },
    );
  }

  /** Whether the call is made again when its connection is lost, so that no single frame tells what became of it. */
  get isRepeated(): boolean {
    return this.what === "once" && "clientId" in this.by;
  }

  read(): void {
    if (this.#items === undefined) return;
    this.#reading++;
    this.#items.next().then(
      ({ value }) => {
        this.#reading--;
        if (value !== undefined) this.#read.push(value);
      },
      () => this.#reading--,
    );
  }

  async leave(): Promise<void> {
    await this.#items?.return?.();
  }

  /** The reader has got the items in order, and waits for none of a call that is over. */
  expectReads(): void {
    expect(this.#read).toEqual(this.#read.map((_, at) => (at < ITEMS ? at : at - ITEMS)));
    if (this.outcome !== undefined) expect(this.#reading).toBe(0);
  }
}

/** Which calls went out, reached the other side, and gave an item; by their inputs, the numbers of the calls. */
export class CallFacts {
  readonly #sent = new Set<number>();
  readonly #reached = new Set<number>();
  readonly #gave = new Set<number>();
  /** The calls of each side, by id. */
  readonly #inputs = new Map<FakePeer, Map<number, number>>();

  /** Takes in what a side has sent over its connection, and what it was given. */
  note(caller: FakePeer): void {
    const inputs = this.#inputs.get(caller) ?? new Map<number, number>();
    this.#inputs.set(caller, inputs);
    for (const { kind, id, payload } of caller.sent) {
      if (kind !== KIND.call) continue;
      inputs.set(id, Number(payload));
      this.#sent.add(Number(payload));
    }
    for (const { kind, payload } of caller.other?.handed ?? [])
      if (kind === KIND.call) this.#reached.add(Number(payload));
    for (const { kind, id } of caller.handed) {
      const input = kind === KIND.item ? inputs.get(id) : undefined;
      if (input !== undefined) this.#gave.add(input);
    }
  }

  /** A caller whose connection, or session, was lost is told as much as it can know. */
  expectTold(input: number, { outcome, isRepeated }: MadeCall, isResumable: boolean): void {
    if (outcome?.code !== "IPC_CALL_LOST") return;
    if (!(isResumable ? this.#reached : this.#sent).has(input)) expect(outcome.executed).toBe("no");
    else if (!isRepeated) expect(outcome.executed).toBe(isResumable && this.#gave.has(input) ? "yes" : "maybe");
  }
}
