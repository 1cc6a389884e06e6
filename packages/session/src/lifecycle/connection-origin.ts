import type { AbortOptions } from "@ipc/transport";
import type { Connection } from "../connection/connection.js";
import type { Sender } from "../connection/sender.js";
import type { UnawaitedWrites } from "../connection/unawaited-writes.js";
import { SessionError } from "../errors.js";
import type { MessageOrigin } from "../message.js";
import { OpenSteps } from "../open-steps.js";
import { validateAbortOptions, validateWrite } from "../options/call-arguments.js";
import type { ConnectionSecurity } from "../security.js";

/** One connection, as its peer and its messages write to it. It outlives the connection, but holds none of its resources then. */
export class ConnectionOrigin implements MessageOrigin {
  readonly security: ConnectionSecurity;
  readonly remote: string;
  readonly steps: OpenSteps;
  readonly maxSendSize: number;
  readonly #unawaited: UnawaitedWrites;
  /** The sender, or after the end a function that creates the error of a write. */
  #target: Sender | (() => Error);
  #loss: Error | undefined;

  /** @param onSettled for its `steps` */
  constructor(
    { security, maxSendSize, sender }: Connection,
    remote: string,
    unawaited: UnawaitedWrites,
    onSettled: () => void,
  ) {
    this.#unawaited = unawaited;
    this.steps = new OpenSteps(onSettled);
    this.security = security;
    this.remote = remote;
    this.maxSendSize = maxSendSize;
    this.#target = sender;
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

  reply(type: number, data: string | Uint8Array, options: AbortOptions | undefined): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = validateWrite(type, bytes, this.maxSendSize) ?? validateAbortOptions("write", options);
    if (fault !== undefined) return this.#unawaited.reject(fault);
    const target = this.#target;
    if (typeof target === "function") return this.#unawaited.reject(target());
    return target.write(type, bytes, options?.signal);
  }
}
