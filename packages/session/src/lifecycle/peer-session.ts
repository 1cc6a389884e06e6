import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import { handledRejection } from "../deferred.js";
import { SessionError } from "../errors.js";
import type { MessageIterator } from "../inbox/async-iterator.js";
import type { WriteOptions } from "../message.js";
import {
  type DataMessage,
  type Status,
  type StatusMessage,
  statusCode,
  type TimeoutMessage,
  timeoutMessage,
} from "../message.js";
import { CLOSE_TIMEOUT_MS, validateCloseOptions, validateWriteOptions } from "../options/call-arguments.js";
import type { CloseOptions, DrainOptions, Peer, PeerEvents, PeerStats } from "../peer.js";
import type { ConnectionSecurity } from "../security.js";
import { type DrainMember, joinDrain } from "./drain.js";
import type { PeerCore } from "./peer-core.js";
import type { EventListener } from "./peer-emitter.js";

/**
 * The key of the method by which a layer ends a peer's connection as if it were lost: a client dials again, and a server waits for the
 * next client. Registered by name, as `joinDrain` is.
 */
export const endConnection: unique symbol = Symbol.for("@ipc/session endConnection");

/** The public methods of clients, servers and sessions, over the core that each of them creates and drives. */
export abstract class PeerSession<E extends PeerEvents = PeerEvents> implements Peer<E> {
  readonly #core: PeerCore<E>;

  static {
    // Declared by no type, because it is for layers such as @ipc/rpc only.
    Object.defineProperty(PeerSession.prototype, joinDrain, {
      value(this: PeerSession, member: DrainMember) {
        this.#core.drainMembers.add(member);
      },
    });
    Object.defineProperty(PeerSession.prototype, endConnection, {
      value(this: PeerSession, why: string, cause: unknown) {
        const message = `this side ended the connection: ${why}`;
        this.#core.reader.endConnection(new SessionError("IPC_CONNECTION_LOST", message, { cause }));
      },
    });
  }

  constructor(core: PeerCore<E>) {
    this.#core = core;
  }

  get name(): string {
    return this.#core.name;
  }

  get status(): Status {
    return this.#core.reader.status;
  }

  get statusCode(): number {
    return statusCode(this.#core.reader.status);
  }

  get security(): ConnectionSecurity {
    return this.#core.security;
  }

  get remote(): string {
    return this.#core.remote;
  }

  get stats(): PeerStats {
    return this.#core.stats;
  }

  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#core.reader.on(event, listener);
    return this;
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#core.reader.once(event, listener);
    return this;
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#core.reader.off(event, listener);
    return this;
  }

  read(options?: AbortOptions): Promise<DataMessage | StatusMessage> {
    return this.#core.reader.read(options);
  }

  readTimed(ms: number): Promise<DataMessage | StatusMessage | TimeoutMessage>;
  readTimed<T>(ms: number, onTimeout: T, options?: AbortOptions): Promise<DataMessage | StatusMessage | T>;
  readTimed(ms: number, ...rest: [onTimeout?: unknown, options?: AbortOptions]): Promise<unknown> {
    // An explicit undefined is a valid `onTimeout`, so count the arguments.
    const [onTimeout, options] = rest.length === 0 ? [timeoutMessage] : rest;
    return this.#core.reader.readTimed(ms, onTimeout, options);
  }

  [Symbol.asyncIterator](): MessageIterator<DataMessage> {
    return this.#core.reader.iterate();
  }

  write(type: number, data: string | Uint8Array, options?: WriteOptions): Promise<void> {
    return this.#core.write(type, data, options);
  }

  writeMessage(
    message: { readonly type: number; readonly data: string | Uint8Array },
    options?: WriteOptions,
  ): Promise<void> {
    if (typeof message !== "object" || message === null) {
      return this.#core.unawaited.reject(
        new TypeError(`writeMessage: \`message\` takes an object with type and data, got ${formatValue(message)}`),
      );
    }
    return this.#core.write(message.type, message.data, options);
  }

  flush(options?: WriteOptions): Promise<void> {
    const fault = validateWriteOptions("flush", options);
    return fault === undefined ? this.#core.flush(options) : handledRejection(fault);
  }

  close(options: CloseOptions = {}): Promise<void> {
    const fault = validateCloseOptions(options);
    return fault === undefined ? this.#core.close(options.timeoutMs ?? CLOSE_TIMEOUT_MS) : handledRejection(fault);
  }

  drain(options: DrainOptions = {}): Promise<void> {
    const fault = validateCloseOptions(options, "drain");
    return fault === undefined ? this.#core.drain(options.timeoutMs ?? CLOSE_TIMEOUT_MS) : handledRejection(fault);
  }

  destroy(reason?: unknown): void {
    this.#core.destroy(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  pause(): this {
    this.#core.reader.pause();
    return this;
  }

  resume(): this {
    this.#core.reader.resume();
    return this;
  }

  ref(): this {
    this.#core.setReferenced(true);
    return this;
  }

  unref(): this {
    this.#core.setReferenced(false);
    return this;
  }
}
