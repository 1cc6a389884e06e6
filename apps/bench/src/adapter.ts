import type { ChildProcess } from "node:child_process";
import type { Kind } from "./message-kind.js";
import type { Payload } from "./payload.js";

/** Takes what has arrived at one end of a link. */
export type Deliver = (kind: number, payload: Payload) => void;

/** One end of a connection of whichever peer. */
export interface Link {
  /**
   * Sends, and says when the sender has to wait before it sends more: undefined where it need not. Never called for a peer
   * that only knows the other manner.
   */
  send(kind: Kind, payload: Payload): Promise<unknown> | undefined;
  /** Sends, and resolves as the peer's own promise or callback does, for each message. */
  sendAwaited(kind: Kind, payload: Payload): Promise<unknown>;
  /** Stops reading. */
  pause(): void;
  resume(): void;
  /** Resolves when the connection is gone. */
  close(): Promise<unknown>;
}

/** Both manners of waiting for a write: after each, or only when the peer asks for it. */
export type Manner = "awaited" | "when it must";

/** The abilities of a peer in this benchmark; those that it lacks are said in its row. */
interface Abilities {
  readonly manners: readonly Manner[];
  /** Many clients at one server. */
  readonly clients: boolean;
  /** The reading of one connection can be stopped. */
  readonly pause: boolean;
}

/** How the benchmark talks through one peer: the server's end and the client's, each in a process of its own. */
export interface Adapter {
  readonly abilities: Abilities;
  /** Payloads are strings: the peer speaks JSON. */
  readonly isText: boolean;
  /**
   * Listens in a directory of its own. `accept` is called for every client and returns the handler of its messages.
   * @param many whether more than one client will come
   */
  listen(directory: string, accept: (link: Link) => Deliver, many: boolean): Promise<void>;
  /** Connects to the server that listens in `directory`. @param server its process, where this one has forked it */
  connect(directory: string, deliver: Deliver, many: boolean, server: ChildProcess | undefined): Promise<Link>;
}

export const BOTH_MANNERS: readonly Manner[] = ["awaited", "when it must"];
