import type { ConnectionSecurity, DataMessage, PeerStats, Status } from "@ipc/session";
import { formatValue, isError } from "../format-value.js";
import { JSON_RPC_ID_MAX_CHARS } from "../limits.js";
import { endConnection, joinDrain } from "../link/call-peer.js";
import { ipcCodeOf } from "../rpc-error.js";
import { type AnyMessage, type Id, IncomingRequests, isLong, isRequest, type Refusal } from "./incoming-requests.js";
import { type Disposable, type Event, JsonRpcEvent } from "./json-rpc-event.js";

export type { Disposable, Event };

/** The type of the messages that carry JSON-RPC: "jrpc" in ASCII. */
const JSON_RPC_TYPE = 0x6a727063;

/** vscode-jsonrpc's code of a request that was not answered. @see vscode-jsonrpc messages.ts, `ErrorCodes` */
const PENDING_RESPONSE_REJECTED = -32_097;

/** The code of a request that is refused. JSON-RPC leaves -32000 … -32099 to implementations. */
const REFUSED = -32_000;

/** The statuses of a peer that has not had a connection: its first one counts as no reconnect. */
const BEFORE_THE_FIRST: readonly Status[] = ["Not Connected", "Connecting", "Listening"];

/** A JSON-RPC 2.0 message. */
export interface JsonRpcMessage {
  readonly jsonrpc: string;
}

/** The part of a peer that a JSON-RPC connection uses. */
export interface JsonRpcPeer {
  on(event: "message", listener: (message: DataMessage) => void): unknown;
  on(event: "status", listener: (status: Status) => void): unknown;
  on(event: "close" | "lost", listener: () => void): unknown;
  off(event: "message", listener: (message: DataMessage) => void): unknown;
  off(event: "status", listener: (status: Status) => void): unknown;
  off(event: "close" | "lost", listener: () => void): unknown;
  write(type: number, data: string): Promise<void>;
  destroy(reason?: unknown): void;
  readonly status: Status;
  readonly security: Pick<ConnectionSecurity, "resumable">;
  readonly stats: Pick<PeerStats, "reconnects">;
}

/** The `MessageReader` of vscode-jsonrpc. */
export interface JsonRpcReader extends Disposable {
  readonly onError: Event<Error>;
  readonly onClose: Event<void>;
  readonly onPartialMessage: Event<never>;
  listen(callback: (message: JsonRpcMessage) => void): Disposable;
}

/** The `MessageWriter` of vscode-jsonrpc. */
export interface JsonRpcWriter extends Disposable {
  readonly onError: Event<[error: Error, message: JsonRpcMessage | undefined, count: number | undefined]>;
  readonly onClose: Event<void>;
  write(message: JsonRpcMessage): Promise<void>;
  end(): void;
}

/**
 * Carries JSON-RPC 2.0 over a peer, each message as one message of type 0x6a727063: pass `reader` and `writer` to
 * `createMessageConnection` of vscode-jsonrpc. The reader becomes the one consumer of the peer's messages and ignores other types.
 *
 * vscode-jsonrpc does not know that a connection can be lost and made again. A request that was under way then is answered with the
 * error -32097, so that none waits forever, and the connection goes on with the peer's next one; it closes with the peer. A response to
 * a request whose connection has ended is dropped. With resume in force a cut is no loss: requests go on until their session is lost.
 * The peer's `drain` waits until the requests of both sides are answered. A request of the other side is answered with the error -32000
 * while 16 384 are not answered yet, for the id null if its own has more than 1 024 characters, and if its response cannot be encoded or is
 * refused by the peer. If the queue refuses such an answer, too, the connection ends, because its caller would wait forever.
 * @throws TypeError
 */
export function jsonRpcOver(peer: JsonRpcPeer): { readonly reader: JsonRpcReader; readonly writer: JsonRpcWriter } {
  const isPeer = typeof peer === "object" && peer !== null && typeof peer.on === "function" && "write" in peer;
  if (!isPeer) throw new TypeError(`jsonRpcOver: \`peer\` takes a client, server or session, got ${formatValue(peer)}`);
  const bridge = new Bridge(peer);
  return { reader: bridge.reader, writer: bridge.writer };
}

class Bridge {
  readonly #peer: JsonRpcPeer;
  readonly #readError = new JsonRpcEvent<Error>();
  readonly #writeError = new JsonRpcEvent<[Error, JsonRpcMessage | undefined, number | undefined]>();
  readonly #closed = new JsonRpcEvent<void>();
  /** Requests of this side that are not answered, each with the number of its connection or session, as `stats.reconnects` counts. */
  readonly #pending = new Map<Id, number>();
  readonly #incoming = new IncomingRequests();
  /** The halves that are in use. */
  readonly #used = new Set(["reader", "writer"]);
  #callback: ((message: JsonRpcMessage) => void) | undefined;
  /** That of the connection that the statuses have come to. */
  #security: JsonRpcPeer["security"];
  #errors = 0;

  constructor(peer: JsonRpcPeer) {
    this.#peer = peer;
    this.#security = peer.security;
    peer.on("status", this.#onStatus);
    peer.on("lost", this.#onLost);
    peer.on("close", this.#onClose);
    // A drain refuses no request: JSON-RPC has no code that says that none has run.
    joinDrain(peer, { isBusy: () => this.#isBusy, onDrain() {} });
  }

  /** Whether a request can still be answered. */
  get #isBusy(): boolean {
    if (this.#callback !== undefined && this.#pending.size > 0) return true;
    return this.#used.has("writer") && this.#incoming.open > 0;
  }

  /** The number of the connection or session that a request goes over which is written now. */
  get #session(): number {
    const { status, stats, security } = this.#peer;
    // A listener of `lost` comes before the status of a connection that is there already, and that may have no session.
    const isThere = status === "Connected" || security !== this.#security;
    const goesOn = status === "Reconnecting" && security.resumable === true;
    return isThere || goesOn || BEFORE_THE_FIRST.includes(status) ? stats.reconnects : stats.reconnects + 1;
  }

  readonly reader: JsonRpcReader = {
    onError: (listener, thisArgs, disposables) => this.#readError.add(listener, thisArgs, disposables),
    onClose: (listener, thisArgs, disposables) => this.#closed.add(listener, thisArgs, disposables),
    // A message of a peer is never partial.
    onPartialMessage: () => ({ dispose() {} }),
    listen: (callback) => {
      if (this.#callback === undefined) this.#peer.on("message", this.#onMessage);
      this.#callback = callback;
      return {
        dispose: () => {
          if (this.#callback === callback) this.#stop();
        },
      };
    },
    dispose: () => this.#dispose("reader"),
  };

  readonly writer: JsonRpcWriter = {
    onError: (listener, thisArgs, disposables) => this.#writeError.add(listener, thisArgs, disposables),
    onClose: (listener, thisArgs, disposables) => this.#closed.add(listener, thisArgs, disposables),
    write: (message) => this.#write(message),
    end() {},
    dispose: () => this.#dispose("writer"),
  };

  async #write(message: JsonRpcMessage): Promise<void> {
    if (isResponse(message)) return this.#answer(message);
    const id = isRequest(message) ? message.id : undefined;
    if (id !== undefined && isLong(id))
      throw new RangeError(`write: \`id\` takes at most ${JSON_RPC_ID_MAX_CHARS} characters, got ${String(id).length}`);
    const session = this.#session;
    try {
      const written = this.#peer.write(JSON_RPC_TYPE, JSON.stringify(message));
      if (id !== undefined) this.#pending.set(id, session);
      await written;
    } catch (error) {
      if (id !== undefined) this.#pending.delete(id);
      this.#reportUnwritten(message, error);
      throw error;
    }
  }

  #reportUnwritten(message: JsonRpcMessage, error: unknown): void {
    // The statuses report the end of a connection.
    if (ipcCodeOf(error) === "IPC_CONNECTION_LOST") return;
    this.#writeError.fire([isError(error) ? error : new Error(formatValue(error)), message, ++this.#errors]);
  }

  /** Sends a response to where its request came from, or an error if it is refused: its caller would wait forever. */
  async #answer(response: AnyMessage & { readonly id: Id }): Promise<void> {
    const request = this.#incoming.answer(response.id);
    if (request?.message === undefined) return;
    const { id, message } = request;
    try {
      await message.reply(JSON_RPC_TYPE, JSON.stringify({ ...response, id }));
    } catch (error) {
      if (leavesOpen(error)) this.#refuse({ id, message: "the response cannot be sent" }, message);
      this.#reportUnwritten(response, error);
      throw error;
    }
  }

  readonly #onMessage = (received: DataMessage): void => {
    if (received.type !== JSON_RPC_TYPE) return;
    let message: unknown;
    try {
      message = received.json();
    } catch (error) {
      this.#readError.fire(error as Error);
      return;
    }
    if (typeof message !== "object" || message === null) {
      this.#readError.fire(new TypeError(`a JSON-RPC message is an object, got ${formatValue(message)}`));
      return;
    }
    if (isResponse(message)) this.#pending.delete(message.id);
    const given = message as AnyMessage;
    const refusal = isRequest(given) ? this.#incoming.refusalOf(given) : undefined;
    if (refusal === undefined) this.#callback?.(this.#incoming.receive(given, received));
    else this.#refuse(refusal, received);
  };

  #refuse({ id, message }: Refusal, received: DataMessage): void {
    const response = { jsonrpc: "2.0", id, error: { code: REFUSED, message } };
    received.reply(JSON_RPC_TYPE, JSON.stringify(response)).catch((error: unknown) => {
      const why = "a JSON-RPC request was not answered, whose caller would wait forever";
      if (leavesOpen(error)) endConnection(this.#peer, why, error);
      this.#reportUnwritten(response, error);
    });
  }

  readonly #onStatus = (status: Status): void => {
    if (status === "Connected") {
      this.#security = this.#peer.security;
      this.#incoming.connected();
      return;
    }
    const isCut = status === "Reconnecting" && this.#security.resumable === true;
    if (isCut || BEFORE_THE_FIRST.includes(status)) return;
    // A status waits for the messages before it, so requests may be under way on the next connection already.
    this.#lose(status, this.#pending, this.#session);
  };

  /** Comes with each loss of a session, which no status may tell of. */
  readonly #onLost = (): void => {
    if (this.#security.resumable !== true && this.#peer.security.resumable !== true) return;
    const pending = [...this.#pending];
    // The next connection may be there, and other listeners write over it; the peer's status says so right after this event.
    queueMicrotask(() => {
      const { status, stats } = this.#peer;
      this.#lose("Reconnecting", pending, status === "Connected" ? stats.reconnects : stats.reconnects + 1);
    });
  };

  readonly #onClose = (): void => {
    this.#lose("Closed", this.#pending, Number.POSITIVE_INFINITY);
    this.#closed.fire(undefined);
    this.#stop();
    this.#leave();
  };

  /** @param next the number of the connection or session whose requests go on */
  #lose(status: Status, pending: Iterable<[Id, number]>, next: number): void {
    this.#incoming.lose();
    const error = { code: PENDING_RESPONSE_REJECTED, message: `the connection was lost (status: ${status})` };
    // The answer's listener may write the next request.
    for (const [id, session] of [...pending]) {
      if (session >= next || this.#pending.get(id) !== session) continue;
      this.#pending.delete(id);
      this.#callback?.({ jsonrpc: "2.0", id, error } as JsonRpcMessage);
    }
  }

  #stop(): void {
    this.#callback = undefined;
    this.#peer.off("message", this.#onMessage);
    this.#readError.clear();
  }

  #dispose(half: "reader" | "writer"): void {
    if (half === "reader") this.#stop();
    else this.#writeError.clear();
    this.#used.delete(half);
    if (this.#used.size === 0) this.#leave();
  }

  #leave(): void {
    this.#peer.off("status", this.#onStatus);
    this.#peer.off("lost", this.#onLost);
    this.#peer.off("close", this.#onClose);
  }
}

function isResponse(message: object): message is AnyMessage & { readonly id: Id } {
  const { id, method } = message as AnyMessage;
  return method === undefined && id !== undefined && id !== null;
}

/** Whether an answer was not written although its connection is there: its caller still waits. */
function leavesOpen(error: unknown): boolean {
  const code = ipcCodeOf(error);
  return code === undefined || code === "IPC_QUEUE_FULL" || code === "IPC_MESSAGE_TOO_LARGE";
}
