import { isPromise } from "../format-value.js";
import { ITEM_MAX_BYTES, ITEM_PART_BYTES } from "../limits.js";
import { RpcError } from "../rpc-error.js";
import { encodeFrame, KIND } from "../wire/frame.js";
import { encodeValue, lengthOf, type Payload } from "../wire/payload.js";
import { SendCredit } from "./send-credit.js";

/** Items in the order in which they are sent, and what follows them. */
export type ItemSource = Iterator<unknown> | AsyncIterator<unknown>;

export interface ItemSenderOptions {
  readonly id: number;
  /** The method, for error messages. */
  readonly method: string;
  readonly send: (frame: Uint8Array) => Promise<void>;
  /** Turns an item into what is sent. */
  readonly validate?: ((item: unknown) => unknown) | undefined;
}

/** Sends the items of an iterator as fast as the other side reads them: it pulls one only while there is credit. */
export class ItemSender {
  readonly credit: SendCredit = new SendCredit();
  /** Why the peer has not taken an item; an error of the iterator is none, whatever its code. */
  sendError: unknown;
  readonly #options: ItemSenderOptions;
  #source: ItemSource | undefined;
  #isDone = false;
  #returned: Promise<unknown> | undefined;
  /** Items that were sent, and their bytes. */
  items = 0;
  bytes = 0;

  constructor(options: ItemSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends every item and resolves with what the iterator returns; after `stop`, with undefined. Rejects with the error of the
   * iterator, of an item that cannot be sent, or of the peer.
   */
  async run(source: ItemSource): Promise<unknown> {
    this.#source = source;
    const { validate } = this.#options;
    try {
      while (await this.credit.wait()) {
        const step = await this.#next(source);
        if (step.done === true) {
          this.#isDone = true;
          return step.value;
        }
        // As in a `for await` loop: a synchronous source may give promises.
        const given = isPromise(step.value) ? await step.value : step.value;
        const item = validate === undefined ? given : await validate(given);
        // By now the call may have been answered, and its id may belong to another one.
        if (this.credit.isEnded) break;
        await this.#send(encodeValue(item));
      }
      return undefined;
    } finally {
      await this.#return();
    }
  }

  /** Ends the stream at once: no further item is sent, and the iterator's `return` is called. */
  stop(): void {
    this.credit.end();
    void this.#return()?.catch(ignore);
  }

  async #next(source: ItemSource): Promise<IteratorResult<unknown>> {
    try {
      return await source.next();
    } catch (error) {
      // An iterator that has thrown is done.
      this.#isDone = true;
      throw error;
    }
  }

  async #send(payload: Payload): Promise<void> {
    if (typeof payload === "string" || payload === undefined) {
      const bytes = lengthOf(payload);
      if (bytes > ITEM_MAX_BYTES) {
        const { method } = this.#options;
        const message = `${method}: an item of ${bytes} bytes, limit ${ITEM_MAX_BYTES}; send it in parts`;
        throw new RpcError("IPC_MESSAGE_TOO_LARGE", "maybe", message);
      }
      return this.#sendPart(payload, bytes);
    }
    let at = 0;
    do {
      const part = payload.subarray(at, at + ITEM_PART_BYTES);
      at += ITEM_PART_BYTES;
      if (!(await this.credit.wait())) return;
      await this.#sendPart(part, part.length);
    } while (at < payload.length);
  }

  async #sendPart(payload: Payload, bytes: number): Promise<void> {
    this.credit.spend(bytes);
    this.items++;
    this.bytes += bytes;
    try {
      await this.#options.send(encodeFrame({ kind: KIND.item, id: this.#options.id, payload }));
    } catch (error) {
      this.sendError = error;
      throw error;
    }
  }

  /** Calls the iterator's `return` once, unless it is done. A generator that throws in its `finally` block rejects the promise. */
  #return(): Promise<unknown> | undefined {
    const source = this.#source;
    if (source === undefined || this.#isDone) return undefined;
    this.#returned ??= Promise.resolve().then(() => source.return?.());
    return this.#returned;
  }
}

/** Whether a value gives items; text and bytes are values. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

/** Returns the iterator of a source of items. @throws TypeError */
export function iteratorOf(items: Iterable<unknown> | AsyncIterable<unknown>): ItemSource {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]();
  return items[Symbol.iterator]();
}

function ignore(): void {}
