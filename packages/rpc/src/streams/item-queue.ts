import { messageOf } from "../format-value.js";
import { INITIAL_CREDIT_BYTES, ITEM_MAX_BYTES, UNREAD_MAX_BYTES } from "../limits.js";
import { encodeFrame, KIND } from "../wire/frame.js";
import { decodeValue } from "../wire/payload.js";
import { itemCost } from "./send-credit.js";

/** Unread items of all streams of a connection. */
export class UnreadItems {
  bytes = 0;
}

/** Those of one stream. */
class UnreadShare {
  bytes = 0;
  readonly #all: UnreadItems;

  constructor(all: UnreadItems) {
    this.#all = all;
  }

  /** Returns false if all streams together would have too many. */
  tryAdd(bytes: number): boolean {
    if (this.#all.bytes + bytes > UNREAD_MAX_BYTES) return false;
    this.bytes += bytes;
    this.#all.bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.bytes -= bytes;
    this.#all.bytes -= bytes;
  }
}

/** Streams that have ended before their readers had come: nothing else tells that no reader will. */
const unreadEnds = new FinalizationRegistry<UnreadShare>((share) => share.release(share.bytes));

export interface ItemQueueOptions {
  readonly id: number;
  readonly unread: UnreadItems;
  /** How far the window of a stream that is read may open, in bytes. */
  readonly windowBytes: number;
  readonly send: (frame: Uint8Array) => void;
  /** Called when the reader leaves before the end; with the error of an item that its loop has got instead, if that is why. */
  readonly onLeft: (error?: unknown) => void;
  /** Makes the error of an item that cannot be decoded. */
  readonly codecError: (reason: string) => Error;
  /** Turns a decoded item into what the reader gets. */
  readonly validate?: ((item: unknown) => unknown) | undefined;
}

interface UnreadItem {
  readonly codec: number;
  readonly payload: Buffer;
  readonly cost: number;
  next: UnreadItem | undefined;
}

interface Reader {
  readonly resolve: (result: IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>>) => void;
  readonly reject: (error: unknown) => void;
}

/** How a stream ends for its reader; an error of any value, also undefined, is not the end of a complete stream. */
type End = "complete" | { readonly error: unknown };

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The receiving side of a stream: keeps unread items within a window of credit and grants more as the reader takes them. A reader
 * that stops holds back its own sender only.
 */
export class ItemQueue implements AsyncIterableIterator<unknown> {
  readonly #options: ItemQueueOptions;
  /** Unread items, each with the next one. */
  #first: UnreadItem | undefined;
  #last: UnreadItem | undefined;
  readonly #unread: UnreadShare;
  readonly #readers: Reader[] = [];
  #credit = INITIAL_CREDIT_BYTES;
  #windowBytes = INITIAL_CREDIT_BYTES;
  /** Taken by the reader since the last grant, in bytes. */
  #takenBytes = 0;
  #isRead = false;
  /** Whether `discard` has dropped an item. */
  #hasDropped = false;
  #mode: "keep" | "discard" | "left" = "keep";
  #end: End | undefined;
  /** Items that have arrived, and their bytes. */
  items = 0;
  bytes = 0;

  constructor(options: ItemQueueOptions) {
    this.#options = options;
    this.#unread = new UnreadShare(options.unread);
  }

  /** Takes an item from the wire. Returns the code of the error if it goes past the credit, or past a limit. */
  receive(codec: number, payload: Buffer): "ipc.flow" | "ipc.busy" | undefined {
    if (this.#end !== undefined || this.#mode === "left") return undefined;
    if (this.#credit <= 0 || payload.length > ITEM_MAX_BYTES) return "ipc.flow";
    const cost = itemCost(payload.length);
    this.#credit -= cost;
    this.items++;
    this.bytes += payload.length;
    if (this.#mode === "discard") {
      this.#hasDropped = true;
      this.#grant(cost);
      return undefined;
    }
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve(this.#deliver(codec, payload, cost));
      return undefined;
    }
    if (!this.#unread.tryAdd(cost)) return "ipc.busy";
    // Copied, because a view would keep the whole receive buffer alive until the reader comes.
    const item: UnreadItem = { codec, payload: Buffer.from(payload), cost, next: undefined };
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    return undefined;
  }

  /** Ends the stream: the reader gets the items that have arrived. */
  end(): void {
    this.#finish("complete");
  }

  /** Ends the stream: the reader gets the items that have arrived, then the error. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Ends the stream and drops the items that have arrived: unless none is missing, the reader gets the error. */
  abort(error: unknown): void {
    if (this.#first !== undefined) this.#end = undefined;
    this.#drop();
    this.#finish({ error });
  }

  /** Drops items from now on, with credit for more: the caller wants only the result. */
  discard(): void {
    if (this.#mode !== "keep" || this.#isRead) return;
    this.#mode = "discard";
    this.#hasDropped = this.#first !== undefined;
    const bytes = this.#drop();
    if (this.#end === undefined) this.#grant(bytes);
  }

  /** @throws TypeError if items are missing */
  [Symbol.asyncIterator](): this {
    if (this.#hasDropped) {
      const reason = "because the call was awaited before its loop began; begin the loop first";
      throw new TypeError(`items were dropped, ${reason}`);
    }
    this.#isRead = true;
    if (this.#mode === "discard") this.#mode = "keep";
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const item = this.#first;
    if (item !== undefined) {
      this.#first = item.next;
      if (this.#first === undefined) this.#last = undefined;
      this.#unread.release(item.cost);
      return this.#deliver(item.codec, item.payload, item.cost);
    }
    if (this.#mode === "left") return DONE;
    return new Promise((resolve, reject) => {
      const reader: Reader = { resolve, reject };
      if (this.#end === undefined) this.#readers.push(reader);
      else this.#settle(reader, this.#end);
    });
  }

  /** Leaves the stream: the items that have arrived are dropped. */
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#leave();
    return DONE;
  }

  #leave(error?: unknown): void {
    if (this.#mode === "left") return;
    this.#mode = "left";
    this.#drop();
    for (const reader of this.#readers.splice(0)) reader.resolve(DONE);
    const isOpen = this.#end === undefined;
    this.#end = "complete";
    if (isOpen) this.#options.onLeft(error);
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (this.#first !== undefined) unreadEnds.register(this, this.#unread);
    for (const reader of this.#readers.splice(0)) this.#settle(reader, this.#end);
  }

  #settle({ resolve, reject }: Reader, end: End): void {
    // An error is reported once; after that the iterator is done, as a generator is after it has thrown.
    this.#end = "complete";
    if (end === "complete") resolve(DONE);
    else reject(end.error);
  }

  async #deliver(codec: number, payload: Buffer, cost: number): Promise<IteratorResult<unknown, undefined>> {
    if (this.#end === undefined) this.#grant(cost);
    const { validate } = this.#options;
    try {
      const item = this.#decode(codec, payload);
      return { done: false, value: validate === undefined ? item : await validate(item) };
    } catch (error) {
      // A loop does not call `return` after `next` has rejected.
      this.#leave(error);
      throw error;
    }
  }

  #decode(codec: number, payload: Buffer): unknown {
    try {
      return decodeValue(codec, payload);
    } catch (error) {
      throw this.#options.codecError(`an item cannot be decoded: ${messageOf(error)}`);
    }
  }

  /** Grants credit again when half of the window has been read, and doubles the window each time, up to its limit. */
  #grant(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes * 2 < this.#windowBytes) return;
    const grown = Math.min(this.#windowBytes * 2, Math.max(this.#windowBytes, this.#options.windowBytes));
    const granted = this.#takenBytes + grown - this.#windowBytes;
    this.#windowBytes = grown;
    this.#takenBytes = 0;
    this.#credit += granted;
    this.#options.send(encodeFrame({ kind: KIND.credit, id: this.#options.id, number: granted }));
  }

  #drop(): number {
    const { bytes } = this.#unread;
    this.#first = undefined;
    this.#last = undefined;
    this.#unread.release(bytes);
    return bytes;
  }
}
