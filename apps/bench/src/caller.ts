import type { ChildProcess } from "node:child_process";
import type { Adapter, Deliver, Link, Manner } from "./adapter.js";
import { KIND, type Kind } from "./message-kind.js";
import { decodeTold, encodeTold, makeNumbered, type Payload } from "./payload.js";
import type { ProcessMemory } from "./process-memory.js";
import type { Tally } from "./tally.js";

/** The location of the server. */
export interface Site {
  readonly adapter: Adapter;
  readonly directory: string;
  readonly many: boolean;
  /** The server's process, where this one has forked it. */
  readonly server: ChildProcess | undefined;
}

/** The location of the server that this process has forked. */
export interface Place extends Site {
  /** The adapter's. */
  readonly name: string;
  readonly server: ChildProcess;
}

/** The client's end of a connection: sends, and asks the server what came of it. */
export class Caller {
  readonly adapter: Adapter;
  readonly #link: Link;
  readonly #receiver: { deliver: Deliver };

  private constructor(adapter: Adapter, link: Link, receiver: { deliver: Deliver }) {
    this.adapter = adapter;
    this.#link = link;
    this.#receiver = receiver;
  }

  static async connect({ adapter, directory, many, server }: Site): Promise<Caller> {
    const receiver = { deliver: unexpected };
    const link = await adapter.connect(directory, (kind, payload) => receiver.deliver(kind, payload), many, server);
    return new Caller(adapter, link, receiver);
  }

  get link(): Link {
    return this.#link;
  }

  /** Sets the handler of the messages that arrive from now on. */
  onMessage(deliver: Deliver): void {
    this.#receiver.deliver = deliver;
  }

  /** Sends `count` messages in a manner. Resolves when the last one has been handed over. */
  async send(payload: Payload, count: number, manner: Manner): Promise<void> {
    const link = this.#link;
    if (manner === "awaited") {
      for (let i = 0; i < count; i++) await link.sendAwaited(KIND.count, payload);
      return;
    }
    for (let i = 0; i < count; i++) {
      const wait = link.send(KIND.count, payload);
      if (wait !== undefined) await wait;
    }
  }

  /** Sends numbered messages and has every byte of them checked. @throws Error unless all arrived, in order, as sent */
  async prove(count: number, size: number): Promise<void> {
    const { manners } = this.adapter.abilities;
    for (let number = 0; number < count; number++) {
      const payload = makeNumbered(number, size, this.adapter.isText);
      if (manners.includes("awaited")) await this.#link.sendAwaited(KIND.numbered, payload);
      else await this.#link.send(KIND.numbered, payload);
    }
    await this.report(count, count * size);
  }

  /** Asks what arrived. @throws Error unless it is what was sent */
  async report(count: number, bytes: number): Promise<Tally> {
    const tally = await this.ask<Tally>(KIND.report);
    if (tally.count !== count || tally.bytes !== bytes || tally.wrong !== 0) {
      throw new Error(`${count} messages of ${bytes} bytes were sent, this came: ${JSON.stringify(tally)}`);
    }
    return tally;
  }

  memory(): Promise<ProcessMemory> {
    return this.ask<ProcessMemory>(KIND.memory);
  }

  /** Asks, and resolves with what the server tells. Nothing else may be on its way back. */
  ask<Told>(question: Kind): Promise<Told> {
    return new Promise((resolve) => {
      this.#receiver.deliver = (kind, payload) => {
        this.#receiver.deliver = unexpected;
        if (kind !== question) unexpected(kind, payload);
        resolve(decodeTold<Told>(payload));
      };
      void this.#link.send(question, encodeTold(question, {}, this.adapter.isText));
    });
  }
}

function unexpected(kind: number, payload: Payload): void {
  throw new Error(`unexpected message of kind ${kind}, ${payload.length} bytes`);
}
