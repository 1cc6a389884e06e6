import type { Client, DataMessage, IpcError, Status, StatusMessage } from "@ipc/client";

/** Why a wait ended without a message: the time was over, or nothing more comes. */
export type NoMessage = "idle" | "ended";

/** The statuses of a client that has lost its connection. */
const ENDS: ReadonlySet<Status> = new Set(["Reconnecting", "Disconnected", "Closing", "Closed", "Error", "Timeout"]);

/** The messages that a client receives, one after the other. */
export class Incoming {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #reconnect: boolean;
  #loss: IpcError | undefined;

  /**
   * @param signal ends every wait
   * @param reconnect goes on with the next connection when one ends
   */
  constructor(client: Client, signal: AbortSignal, reconnect = false) {
    this.#client = client;
    this.#signal = signal;
    this.#reconnect = reconnect;
    client.on("lost", (error) => {
      this.#loss = error;
    });
  }

  /**
   * Resolves with the next message of a type, or of any; with "idle" after `waitMs` without one, whatever else has come; or with "ended" when the server has closed the connection or
   * the signal has come.
   * @throws the error of a connection that was not closed
   */
  async next(waitMs?: number, type?: number): Promise<DataMessage | NoMessage> {
    const end = waitMs === undefined ? undefined : performance.now() + waitMs;
    try {
      for (;;) {
        const found = await this.#read(end);
        if (found === "idle") return found;
        if (found.kind === "data") {
          if (type === undefined || found.type === type) return found;
          if (end !== undefined && performance.now() >= end) return "idle";
          continue;
        }
        if (this.#reconnect || !ENDS.has(found.status)) continue;
        if (this.#loss !== undefined && this.#loss.code !== "IPC_PEER_CLOSED") throw this.#loss;
        return "ended";
      }
    } catch (error) {
      if (this.#signal.aborted) return "ended";
      throw this.#loss ?? error;
    }
  }

  #read(end: number | undefined): Promise<DataMessage | StatusMessage | "idle"> {
    const options = { signal: this.#signal };
    if (end === undefined) return this.#client.read(options);
    const waitMs = Math.max(0, Math.ceil(end - performance.now()));
    return this.#client.readTimed<"idle">(waitMs, "idle", options);
  }
}
