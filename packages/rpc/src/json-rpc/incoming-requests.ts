import type { DataMessage } from "@ipc/session";
import { JSON_RPC_ID_MAX_CHARS, JSON_RPC_MAX_REQUESTS } from "../limits.js";

/** The id of a JSON-RPC request. */
export type Id = string | number;

/** A JSON-RPC message, unchecked. */
export interface AnyMessage {
  readonly jsonrpc: string;
  readonly id?: Id | null;
  readonly method?: string;
  readonly params?: unknown;
}

/** A JSON-RPC message that asks for a response. */
export interface Request extends AnyMessage {
  readonly id: Id;
  readonly method: string;
}

/** Why a request is refused. */
export interface Refusal {
  /** Null if that of the request is too long to be sent back. */
  readonly id: Id | null;
  readonly message: string;
}

/** Returns whether a message is a request, as vscode-jsonrpc judges it: it answers no other. */
export function isRequest(message: AnyMessage): message is Request {
  return typeof message.method === "string" && (typeof message.id === "string" || typeof message.id === "number");
}

/** The origin of a connection's requests: a message to reply to. The shortest, because it is kept. */
interface Origin {
  message: DataMessage;
}

interface Incoming {
  /** As the other side gave it. */
  readonly id: Id;
  /** Undefined once its connection has ended. */
  origin: Origin | undefined;
}

/** Whether a request with this id is refused. */
export function isLong(id: Id): boolean {
  return typeof id === "string" && id.length > JSON_RPC_ID_MAX_CHARS;
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
  /** That of the current connection. */
  #origin: Origin | undefined;
  #open = 0;
  #count = 0;

  /** Requests of the current connection that are not answered. */
  get open(): number {
    return this.#open;
  }

  /** Returns the answer to a request that cannot be kept until it is answered; undefined if it can. */
  refusalOf({ id }: Request): Refusal | undefined {
    if (isLong(id)) return { id: null, message: `the id is too long, limit ${JSON_RPC_ID_MAX_CHARS} characters` };
    if (this.#requests.size < JSON_RPC_MAX_REQUESTS) return undefined;
    return { id, message: `${this.#requests.size} requests are not answered yet, limit ${JSON_RPC_MAX_REQUESTS}` };
  }

  /** Returns a received message as this side gets it: requests and cancellations with the id of this side. */
  receive(received: AnyMessage, message: DataMessage): AnyMessage {
    if (received.method === "$/cancelRequest") return this.#cancellation(received);
    if (!isRequest(received)) return received;
    const { id } = received;
    this.#origin ??= { message };
    if (message.data.length < this.#origin.message.data.length) this.#origin.message = message;
    const own = this.#requests.has(id) ? this.#unused() : id;
    this.#requests.set(own, { id, origin: this.#origin });
    this.#open++;
    if (own === id) return received;
    this.#renamed.set(id, own);
    return { ...received, id: own };
  }

  /** Takes the request that a response answers: its own id, and the message to reply to, if its connection is there. */
  answer(own: Id): { readonly id: Id; readonly message: DataMessage | undefined } | undefined {
    const request = this.#requests.get(own);
    if (request === undefined) return undefined;
    this.#requests.delete(own);
    if (request.origin !== undefined) this.#open--;
    if (this.#renamed.get(request.id) === own) this.#renamed.delete(request.id);
    return { id: request.id, message: request.origin?.message };
  }

  /** Another connection is there; it may belong to the same session. */
  connected(): void {
    this.#origin = undefined;
  }

  /** The connection has ended. Its requests keep their ids until they are answered. */
  lose(): void {
    for (const request of this.#requests.values()) request.origin = undefined;
    this.#origin = undefined;
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
