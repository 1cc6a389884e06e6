import { setImmediate } from "node:timers";
import { type IpcError, SessionError, type Status } from "@ipc/session";
import { abortError, CLOSE_TIMEOUT_MS, Deferred, settleWithin } from "@ipc/session/internal";
import { addAbortListener, removeAbortListener } from "@ipc/transport/internal";
import type { ConnectionRegistry } from "./connection-registry.js";
import type { Endpoints } from "./endpoints.js";
import type { ResolvedManagerOptions } from "./manager-options.js";
import type { ManagerInput } from "./manager-reader.js";

type State =
  | { readonly status: "Listening" }
  /** `done`: the close that is in progress, or the end of what was released. */
  | { readonly status: "Closing" | "Closed" | "Error"; readonly done: Promise<void> };

/** The parts of a manager, which start and end together. */
export interface ManagerParts {
  readonly options: ResolvedManagerOptions;
  readonly endpoints: Endpoints;
  readonly registry: ConnectionRegistry;
  readonly input: ManagerInput;
}

/** A manager's start and its ends: it alone changes the state, and it ends the endpoints, the connections and the input in order. */
export class ManagerLifecycle {
  readonly #parts: ManagerParts;
  readonly #onAbort: () => void;
  #state: State = { status: "Listening" };
  /** The end of listening, once it has begun. */
  #stopped: Promise<void> | undefined;
  #drained: Promise<void> | undefined;
  /** Whether no further client can connect. */
  #isLast = false;

  constructor(parts: ManagerParts) {
    this.#parts = parts;
    this.#onAbort = () => this.destroy(parts.options.signal?.reason);
  }

  get status(): Status {
    return this.#state.status;
  }

  get isOpen(): boolean {
    return this.#state.status === "Listening";
  }

  /** Opens the endpoints, and announces clients from the next turn of the event loop on. */
  async start(): Promise<void> {
    const { options, endpoints, registry, input } = this.#parts;
    const { name, signal, logger } = options;
    try {
      await endpoints.open();
      // A listener may have been lost meanwhile, or the signal aborted after the transport last checked it.
      if (input.stream.end !== undefined) throw input.stream.end.error();
      if (signal?.aborted === true) throw abortError("startServerManager", signal);
    } catch (error) {
      // A client may have connected at the first endpoint while the last one was being opened.
      this.destroy(error);
      await this.#release();
      throw error;
    }
    addAbortListener(signal, this.#onAbort);
    logger.info(`server ${name}: listening at ${endpoints.address}`);
    // In the next turn of the event loop, so that listeners added right after the start miss no client.
    setImmediate(() => registry.open());
  }

  /** Does the work of `ServerManager.stopAccepting`. */
  stopAccepting(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Does the work of `ServerManager.drain`. */
  drain(timeoutMs: number): Promise<void> {
    this.#drained ??= this.isOpen ? this.#drain(timeoutMs) : this.close(timeoutMs);
    this.#drained.catch(() => {});
    return this.#drained;
  }

  /** Does the work of `ServerManager.close`. */
  close(timeoutMs: number): Promise<void> {
    if (this.#state.status !== "Listening") return this.#state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    this.#enter({ status: "Closing", done: done.promise });
    done.resolve(this.#close(timeoutMs));
    return done.promise;
  }

  /** Does the work of `ServerManager.destroy`. */
  destroy(reason: unknown): void {
    const { registry, input } = this.#parts;
    const { status } = this.#state;
    if (status === "Closed" || status === "Error") return;
    if (status === "Listening") this.#enter({ status: "Closed", done: this.#release() });
    registry.destroy(reason);
    // The close in progress does the rest.
    if (status === "Closing") return;
    input.end({
      kind: "failed",
      error: () => new SessionError("IPC_CLOSED", "this manager was destroyed", { cause: reason }),
    });
  }

  /** Ends the manager and its connections with `error`. */
  fail(error: IpcError): void {
    if (!this.isOpen) return;
    const { options, registry, input } = this.#parts;
    options.logger.error(`server ${options.name}: ${error.message}`);
    this.#enter({ status: "Error", done: this.#release() });
    registry.fail(error);
    input.end({ kind: "failed", error: () => error }, error);
  }

  /** Closes the manager once its connections have ended, because no further client can connect. */
  noteLast(): void {
    this.#isLast = true;
    this.closeAfterLast();
  }

  /** As a server's: what a closed stream has left may complete a handshake, or still be decoded. */
  closeAfterLast(): void {
    const { options, endpoints, registry } = this.#parts;
    if (!this.#isLast || !this.isOpen || registry.connections.size > 0 || endpoints.acceptor.isActive) return;
    options.logger.info(`server ${options.name}: closed, because its only connection has ended`);
    void this.close(CLOSE_TIMEOUT_MS);
  }

  closedError(what: string): SessionError {
    return new SessionError("IPC_CLOSED", `${what}: this manager is closed (status: ${this.status}); start a new one`);
  }

  async #drain(timeoutMs: number): Promise<void> {
    void this.stopAccepting();
    try {
      await this.#parts.registry.drain(timeoutMs);
    } finally {
      // For the clients that connected last.
      await this.close(timeoutMs);
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    const { registry, input } = this.#parts;
    const released = settleWithin(timeoutMs, this.#release());
    try {
      await registry.close(timeoutMs);
    } finally {
      await released;
      this.#enter({ status: "Closed", done: Promise.resolve() });
      input.end({ kind: "done", error: () => this.closedError("read") });
    }
  }

  async #release(): Promise<void> {
    removeAbortListener(this.#parts.options.signal, this.#onAbort);
    // An endpoint may have been opened since it began to stop.
    await Promise.all([this.#stopped, this.#stop()]);
  }

  async #stop(): Promise<void> {
    const { options, endpoints, registry } = this.#parts;
    registry.stopAccepting();
    try {
      await endpoints.close();
    } catch (error) {
      options.logger.error(`server ${options.name}: closing ${endpoints.address} failed: ${String(error)}`);
    }
  }

  /** The only place that changes the state; called before any listener is notified, so that its calls find the new state. */
  #enter(next: State): void {
    this.#state = next;
  }
}
