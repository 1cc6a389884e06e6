import type { DataMessage } from "@ipc/session";

/** The id of a JSON-RPC request. */
export type Id = string | number;

/** A JSON-RPC message, unchecked. */
export interface AnyMessage {
  readonly jsonrpc: string;
  readonly id?: Id | null;
  readonly method?: string;
  readonly params?: unknown;
}

interface Incoming {
  /** As the other side gave it. */
  readonly id: Id;
  /** Undefined once its connection has ended. */
  message: DataMessage | undefined;
}

/**
 * The requests of the other side that are not answered. Each client counts its ids from 0, so a request may have the id of one that
 * came over an earlier connection and is not answered yet: it then gets another id on this side, until its response is written.
 */
export class IncomingRequests {
  /** By the id on this side. */
  readonly #requests = new Map<Id, Incoming>();
  /** Those of the current connection that have another id on this side. */
  readonly #renamed = new Map<Id, Id>();
  #open = 0;
  #count = 0;

  /** Requests of the current connection that are not answered. */
  get open(): number {
    return this.#open;
  }

  /** Returns a received message as this side gets it: requests and cancellations with the id of this side. */
  receive(received: AnyMessage, message: DataMessage): AnyMessage {
    if (received.method === "$/cancelRequest") return this.#cancellation(received);
    const { id, method } = received;
    if (method === undefined || id === undefined || id === null) return received;
    const own = this.#requests.has(id) ? this.#unused() : id;
    this.#requests.set(own, { id, message });
    this.#open++;
    if (own === id) return received;
    this.#renamed.set(id, own);
    return { ...received, id: own };
  }

  /** Takes the request that a response answers: its own id, and the message to reply to, if its connection is there. */
  answer(own: Id): Incoming | undefined {
    const request = this.#requests.get(own);
    this.#requests.delete(own);
    if (request?.message !== undefined) this.#open--;
    if (request !== undefined && this.#renamed.get(request.id) === own) this.#renamed.delete(request.id);
    return request;
  }

  /** The connection has ended. Its requests keep their ids until they are answered. */
  lose(): void {
    for (const request of this.#requests.values()) request.message = undefined;
    this.#renamed.clear();
    this.#open = 0;
  }

  #cancellation(received: AnyMessage): AnyMessage {
    const { id } = (received.params ?? {}) as { readonly id?: Id };
    const own = id === undefined ? undefined : this.#renamed.get(id);
    return own === undefined ? received : { ...received, params: { id: own } };
  }

  #unused(): Id {
    for (;;) {
      const id = `again ${this.#count++}`;
      if (!this.#requests.has(id)) return id;
    }
  }
}
