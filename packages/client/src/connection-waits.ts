import { type IpcError, SessionError } from "@ipc/session";
import { abortError, Deferred, handledRejection, type PeerCore, validateAbortOptions } from "@ipc/session/internal";
import type { AbortOptions } from "@ipc/transport";

/** The callers that wait for a client's next connection. */
export class ConnectionWaits {
  readonly #waits = new Set<Deferred<void>>();
  /** The error with which waiting ended for good. */
  #failure: IpcError | undefined;

  /**
   * Resolves with the next connection, at once if there is one.
   *
   * Rejects with TypeError, IPC_ABORTED, and with the error of `reject` once that was called.
   */
  wait(core: Pick<PeerCore, "isConnected">, options: AbortOptions | undefined): Promise<void> {
    const fault = validateAbortOptions("connected", options);
    if (fault !== undefined) return handledRejection(fault);
    const signal = options?.signal;
    if (signal?.aborted === true) return handledRejection(abortError("connected", signal));
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    if (core.isConnected) return Promise.resolve();
    const wait: Deferred<void> = new Deferred({
      what: "connected",
      ...(signal && { signal }),
      onCancel: () => this.#waits.delete(wait),
    });
    this.#waits.add(wait);
    return wait.promise;
  }

  /** Called with each connection. */
  resolve(): void {
    for (const wait of this.#waits) wait.resolve();
    this.#waits.clear();
  }

  /** Called at the end of the client; the first call decides. @param error the final failure; undefined: it was closed */
  reject(error?: IpcError): void {
    this.#failure ??= error ?? new SessionError("IPC_CLOSED", "connected: this client is closed; start a new one");
    for (const wait of this.#waits) wait.reject(this.#failure);
    this.#waits.clear();
  }
}
