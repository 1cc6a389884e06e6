import type { DataMessage } from "@ipc/session";
import type { MergedStream, StreamMember, StreamReader } from "./merged-stream.js";
import type { ServerConnection } from "./server-connection.js";

/** Delivers the messages of all connections to 'message' listeners as they arrive, while there are any. */
export class DeliveryDispatcher {
  readonly #stream: MergedStream;
  readonly #deliver: (connection: ServerConnection, message: DataMessage) => void;
  readonly #reader: StreamReader;
  /** Connections with a message in delivery: if its listener causes another drain, that must not reenter this one. */
  readonly #draining = new Set<StreamMember>();
  #state: "stopped" | "starting" | "flowing" = "stopped";

  constructor(stream: MergedStream, deliver: (connection: ServerConnection, message: DataMessage) => void) {
    this.#stream = stream;
    this.#deliver = deliver;
    this.#reader = {
      what: "listener",
      holder: "the listener",
      ready: (member) => this.#drain(member),
      forgotten: () => {},
      takesNew: () => true,
      ended: () => {},
    };
  }

  /** @throws SessionError IPC_CONSUMER_TAKEN */
  start(): void {
    if (this.#state !== "stopped") return;
    this.#stream.take(this.#reader);
    this.#state = "starting";
    // In the next tick, as streams do, so that listeners added in the same tick miss no message.
    process.nextTick(() => {
      if (this.#state !== "starting") return;
      this.#state = "flowing";
      for (const member of this.#stream.acquired()) this.#drain(member);
    });
  }

  stop(): void {
    this.#state = "stopped";
    this.#stream.release(this.#reader);
  }

  #drain(member: StreamMember): void {
    if (this.#draining.has(member)) return;
    this.#draining.add(member);
    try {
      while (this.#state === "flowing") {
        const message = member.takeData();
        if (message === undefined) break;
        this.#deliver(member.connection, message);
      }
    } finally {
      this.#draining.delete(member);
    }
    if (this.#state === "flowing" && member.inbox.isOver) this.#stream.forget(member);
  }
}
