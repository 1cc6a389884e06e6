/** Where the clients of a crowd find their server, and how they come in. */
export interface Place {
  readonly name: string;
  readonly directory: string;
  readonly encryption: boolean;
  /** As the client's option of that name. */
  readonly maxUnreadBytes?: number;
}

/** What a process of clients is told to do, one thing after the other. All of it is done by each of its clients. */
export type Order =
  /** Connects so many more, `atOnce` of them at a time. */
  | { readonly kind: "connect"; readonly clients: number; readonly atOnce: number }
  /** Sends a message and waits for its echo, again and again. */
  | { readonly kind: "echo"; readonly messages: number }
  /** Sends messages as fast as they are taken, and reads their echoes. */
  | { readonly kind: "flood"; readonly messages: number; readonly bytes: number }
  /** Sends messages for ever, and reads nothing. Done when nothing more is taken from the server either. */
  | { readonly kind: "stall"; readonly bytes: number }
  /** Sends its name, then sends messages for ever, and reads nothing before it is told to drain. */
  | { readonly kind: "load"; readonly bytes: number }
  /** Reads what it was sent until the server ends the connection, and counts it. */
  | { readonly kind: "drain" }
  /** Clients that come, echo and go: so many, `atOnce` of them at a time, every other one with `multiClient`. */
  | { readonly kind: "visit"; readonly visits: number; readonly atOnce: number }
  | { readonly kind: "close" };

/** Types of messages between clients and server. */
export const ECHO = 1;
export const HELLO = 2;
export const LOAD = 3;

/** What an order came to. */
export interface Outcome {
  /** Messages that came back right, or came at all. */
  readonly messages: number;
  /** Of `drain`: the same for each client, by the name that it said. */
  readonly byName: Readonly<Record<string, number>>;
}

export type Answer = { readonly outcome: Outcome } | { readonly error: string };
