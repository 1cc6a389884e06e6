import type { GoProcess } from "./go-process.js";
import type { Tally } from "./peer-protocol.js";

/** One run of messages. */
export interface Run {
  readonly type?: number;
  readonly count: number;
  /** Bytes of data in each. */
  readonly size: number;
}

/** golang-ipc's end of one connection. */
export class GoEnd {
  readonly #process: GoProcess;
  readonly #client: number;

  /** @param client the id of the client at the other end; 0 where there is only one connection */
  constructor(process: GoProcess, client: number) {
    this.#process = process;
    this.#client = client;
  }

  /** Sends messages one by one, each after the echo of the one before, and compares every byte. */
  async echo(run: Run): Promise<Tally> {
    return this.#command("echo", { type: 1, ...run });
  }

  /** Writes one-way messages. Resolves with what was written: golang-ipc may not have sent it yet, see `report`. */
  async send(run: Omit<Run, "type">): Promise<Tally> {
    return this.#command("send", run);
  }

  /** Asks the other end what it has received one-way since the last report. All written before has arrived then. */
  async report(): Promise<Tally> {
    return this.#command("report", {});
  }

  /** Resolves when golang-ipc has reported `status`, after the one that was waited for before. */
  async status(status: string): Promise<void> {
    await this.#process.statuses(this.#client).next(status, (seen) => seen === status);
  }

  async #command(command: string, parameters: object): Promise<Tally> {
    return (await this.#process.command(command, { ...parameters, client: this.#client })) as Tally;
  }
}
