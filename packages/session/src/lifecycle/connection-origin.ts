import type { Connection } from "../connection/connection.js";
import type { UnawaitedWrites } from "../connection/unawaited-writes.js";
import type { WriteTarget } from "../connection/write-queue.js";
import { notResumableError, SessionError } from "../errors.js";
import type { MessageOrigin, WriteOptions } from "../message.js";
import { OpenSteps } from "../open-steps.js";
import { isPlainWrite, validateWrite, validateWriteOptions } from "../options/call-arguments.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import type { ConnectionSecurity } from "../security.js";

/**
 * One connection, or all those of a resumable session, as its peer and its messages write to it. It outlives the connection, but holds
 * none of its resources then.
 */
export class ConnectionOrigin implements MessageOrigin {
  readonly security: ConnectionSecurity;
  readonly steps: OpenSteps;
  readonly maxSendSize: number;
  readonly #isResumable: boolean;
  readonly #unawaited: UnawaitedWrites;
  #remote: string;
  /** After the end a function that creates the error of a write. */
  #target: WriteTarget | (() => Error);
  #loss: Error | undefined;

  /** @param onSettled for its `steps`, if it has no session */
  constructor(
    { security, maxSendSize, sender }: Connection,
    remote: string,
    session: ResumableSession | undefined,
    unawaited: UnawaitedWrites,
    onSettled: () => void,
  ) {
    this.#unawaited = unawaited;
    this.steps = session?.steps ?? new OpenSteps(onSettled);
    this.security = security;
    this.#remote = remote;
    this.maxSendSize = maxSendSize;
    this.#isResumable = session !== undefined;
    this.#target = sender;
  }

  /** The address of the current connection, or the last one. */
  get remote(): string {
    return this.#remote;
  }

  /** Writes go elsewhere, because the session has lost its connection, or has another one. */
  redirect(target: WriteTarget, remote: string = this.#remote): void {
    this.#target = target;
    this.#remote = remote;
  }

  get loss(): Error | undefined {
    return this.#loss;
  }

  /** Rejects every write from now on, because this side has ended the connection. */
  end(error: () => Error): void {
    this.#target = error;
  }

  /** Rejects every write from now on, because the connection was lost or ended by the peer. */
  lose(cause: Error): void {
    this.#loss = cause;
    this.end(
      () =>
        new SessionError("IPC_CONNECTION_LOST", "reply: the connection that the message came over has ended", {
          cause,
        }),
    );
  }

  reply(type: number, data: string | Uint8Array, options: WriteOptions | undefined): Promise<void> {
    const target = this.#target;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    // The shortest way for most writes, so that it can be compiled into the caller's loop.
    if (options === undefined && typeof target === "object" && isPlainWrite(type, bytes, this.maxSendSize))
      return target.write(type, bytes);
    return this.#replyWith(type, bytes, options);
  }

  #replyWith(type: number, bytes: Uint8Array, options: WriteOptions | undefined): Promise<void> {
    const target = this.#target;
    const fault = validateWrite(type, bytes, this.maxSendSize) ?? validateWriteOptions("write", options);
    if (fault !== undefined) return this.#unawaited.reject(fault);
    if (typeof target === "function") return this.#unawaited.reject(target());
    if (options?.until !== undefined && !this.#isResumable) return this.#unawaited.reject(notResumableError("write"));
    return target.write(type, bytes, options?.signal, options?.until);
  }
}
