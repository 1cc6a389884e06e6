import { lutimesSync } from "node:fs";
import type { Duplex } from "node:stream";
import { clearInterval, setInterval } from "node:timers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { inspectPath, type PathEntry } from "../fs/path-entry.js";
import { NetListener } from "../net/listener.js";
import { codeOf, errnoOf, messageOf } from "../node-error.js";
import type { Listener, ListenOptions } from "../transport.js";
import { TransportError } from "../transport-error.js";
import { type BindSettings, type BoundSocket, bindSocket } from "./socket-binding.js";
import { isOwnFile } from "./socket-file.js";

/** How often a listener looks whether its file is still there. */
const LOOK_MS = 2_000;
/** Programs that tidy a directory spare files that are younger than some days; a day apart, the times are always recent. */
const TOUCH_MS = 86_400_000;

/** Failures to listen that end by themselves: something ran out, or was removed meanwhile. */
const PASSING: ReadonlySet<string | undefined> = new Set([
  "EAGAIN",
  "EBUSY",
  "EDQUOT",
  "EINTR",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOENT",
  "ENOMEM",
  "ENOSPC",
]);

type State =
  | { readonly name: "listening"; readonly socket: BoundSocket; readonly listener: NetListener }
  /** The file has vanished, and listening there failed; the next look tries again. */
  | { readonly name: "waiting" }
  | { readonly name: "relisting"; readonly abort: AbortController; readonly done: Promise<void> }
  | { readonly name: "closed" };

/**
 * An open listener at a socket file. It looks at the file regularly: if the file has vanished, it listens there again; if another
 * one has its place, it is lost.
 */
export class SocketListener implements Listener {
  readonly address: string;
  readonly #settings: BindSettings;
  readonly #onStream: (stream: Duplex) => void;
  readonly #options: ListenOptions;
  readonly #timer: NodeJS.Timeout;
  #referenced = true;
  #state: State;
  #touchedAt = Date.now();

  private constructor(
    address: string,
    settings: BindSettings,
    onStream: (stream: Duplex) => void,
    options: ListenOptions,
    socket: BoundSocket,
  ) {
    this.address = address;
    this.#settings = settings;
    this.#onStream = onStream;
    this.#options = options;
    this.#state = this.#listeningOn(socket);
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Rejects with a TransportError or Node's error. */
  static async open(
    path: string,
    settings: BindSettings,
    onStream: (stream: Duplex) => void,
    options: ListenOptions,
  ): Promise<SocketListener> {
    return new SocketListener(path, settings, onStream, options, await bindSocket(path, settings, options.signal));
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { name: "closed" };
    clearInterval(this.#timer);
    switch (state.name) {
      case "listening":
        return state.listener.close();
      case "relisting":
        state.abort.abort();
        return state.done;
      case "waiting":
      case "closed":
    }
  }

  ref(): void {
    this.#refer(true);
  }

  unref(): void {
    this.#refer(false);
  }

  #refer(referenced: boolean): void {
    this.#referenced = referenced;
    switch (this.#state.name) {
      case "listening":
        if (referenced) this.#state.listener.ref();
        else this.#state.listener.unref();
        return;
      case "waiting":
        if (referenced) this.#timer.ref();
        else this.#timer.unref();
        return;
      case "relisting":
      case "closed":
    }
  }

  #listeningOn(socket: BoundSocket): State {
    const listener = new NetListener(socket.server, {
      address: this.address,
      onStream: this.#onStream,
      onLost: (error) => this.#lose(error),
      closeServer: () => socket.close(),
    });
    if (!this.#referenced) listener.unref();
    return { name: "listening", socket, listener };
  }

  #look(): void {
    const state = this.#state;
    if (state.name === "relisting" || state.name === "closed") return;
    const found = this.#inspect();
    if (found === undefined) return;
    const { socket, listener } = state.name === "listening" ? state : {};
    if (socket !== undefined && isOwnFile(found, socket.file)) {
      if (!socket.isListed) this.#touch();
      return;
    }
    if (found.kind === "nothing") {
      const abort = new AbortController();
      this.#state = { name: "relisting", abort, done: this.#relist(listener, abort.signal) };
      return;
    }
    void listener?.close();
    const what = found.kind === "socket" ? `a socket of user ${found.owner}` : found.what;
    this.#lose(
      new TransportError(
        "IPC_LISTENER_LOST",
        `the socket file ${this.address} was replaced by ${what}, so no client reaches this server any more; start it again when that is gone`,
      ),
    );
  }

  /** Returns undefined when the system does not tell, for example because the directory may not be searched for the moment. */
  #inspect(): PathEntry | undefined {
    try {
      return inspectPath(this.address);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOTDIR") return { kind: "other", what: "a path through a file that is no directory" };
      return errno === "ELOOP" ? { kind: "other", what: "a path through a circle of links" } : undefined;
    }
  }

  #touch(): void {
    const now = Date.now();
    if (now - this.#touchedAt < TOUCH_MS) return;
    this.#touchedAt = now;
    try {
      lutimesSync(this.address, new Date(now), new Date(now));
    } catch {
      // Only a tidy-up would have used the times. If it removes the file, the server listens there again.
    }
  }

  async #relist(listener: NetListener | undefined, signal: AbortSignal): Promise<void> {
    // Clients that connected before the file vanished are accepted first. The second turn polls for certain.
    await nextTurn();
    await nextTurn();
    await listener?.close();
    this.#timer.unref();
    try {
      const socket = await bindSocket(this.address, this.#settings, signal);
      if (this.#isClosed()) return socket.close();
      this.#state = this.#listeningOn(socket);
    } catch (cause) {
      if (isPassing(cause)) return this.#wait();
      this.#lose(
        new TransportError(
          "IPC_LISTENER_LOST",
          `the socket file ${this.address} was removed, and listening there again failed: ${messageOf(cause)}; start the server again`,
          { cause },
        ),
      );
      return;
    }
    this.#options.onRelisted?.();
  }

  /** Waits for the next look; without a listener, the timer keeps the process awake instead. */
  #wait(): void {
    if (this.#isClosed()) return;
    this.#state = { name: "waiting" };
    if (this.#referenced) this.#timer.ref();
  }

  #isClosed(): boolean {
    return this.#state.name === "closed";
  }

  #lose(error: TransportError): void {
    if (this.#isClosed()) return;
    this.#state = { name: "closed" };
    clearInterval(this.#timer);
    this.#options.onLost?.(error);
  }
}

/** Returns whether listening may succeed at the next look. What is no directory is found then as such. */
function isPassing(error: unknown): boolean {
  return codeOf(error) === "IPC_TRANSPORT_FAILED" || PASSING.has(errnoOf(error));
}
