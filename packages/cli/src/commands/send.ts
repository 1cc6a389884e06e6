import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@ipc/client";
import { ANSWER_MS, nameOf, withClient } from "../connection/connect.js";
import { Incoming } from "../connection/incoming.js";
import { formatDuration } from "../duration.js";
import { CommandError, EXIT, type ExitCode, UsageError } from "../exit-code.js";
import { openSource, readAll, type Source, splitSource } from "../input/source.js";
import type { Invocation } from "../options/command.js";
import type { SEND_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { printMessage } from "../output/message-output.js";

type Send = Invocation<Values<typeof SEND_OPTIONS>>;

const [NUL, NEWLINE] = [0, 10];

/** `ipc send NAME [DATA]`: sends one message, or one for each line, and prints `--wait` answers. */
export async function run(invocation: Send): Promise<ExitCode | undefined> {
  const { options } = invocation;
  if (options.lines && options.null) throw new UsageError("--lines and --null exclude each other; give one of them");
  const source = openSource(invocation.args[1], "DATA");
  return withClient(invocation, (client) => new Exchange(invocation, client).run(source), true);
}

/**
 * Sends, and meanwhile takes what the server sends: a server that answers each message would stop reading otherwise, and the two would
 * wait for each other.
 */
class Exchange {
  readonly #invocation: Send;
  readonly #client: Client;
  /** Ends the input when the connection has ended, because nothing takes it any more. */
  readonly #connection = new AbortController();
  /** Ends the wait for answers. */
  readonly #answers = new AbortController();
  #messages = 0;
  #bytes = 0;
  #received = 0;
  #isAllSent = false;
  #onAnswered = (): void => {};

  constructor(invocation: Send, client: Client) {
    this.#invocation = invocation;
    this.#client = client;
  }

  async run(source: Source): Promise<ExitCode> {
    const { options, output, signal } = this.#invocation;
    const receiving = this.#receive(AbortSignal.any([signal, this.#answers.signal]));
    const ended = (): void => this.#connection.abort();
    receiving.then(ended, ended);
    try {
      await this.#send(source);
      if (this.#connection.signal.aborted && !signal.aborted && !this.#isAllSent) {
        await receiving;
        throw this.#closed(`after ${this.#messages} messages, before all were sent`);
      }
      await this.#awaitAnswers(receiving);
    } catch (error) {
      // The loss of the connection says more than the write that it has rejected.
      if (this.#connection.signal.aborted) await receiving;
      throw error;
    } finally {
      this.#answers.abort();
      await receiving.catch(() => {});
      if (options.lines || options.null || signal.aborted) {
        output.note(`${this.#messages} messages, ${this.#bytes} bytes sent`);
      }
    }
    return EXIT.done;
  }

  async #send(source: Source): Promise<void> {
    const { lines, null: isNul, type } = this.#invocation.options;
    const { signal } = this.#connection;
    const stop = { signal: this.#invocation.signal };
    const pieces = lines || isNul ? splitSource(source, isNul ? NUL : NEWLINE, signal) : [readAll(source, signal)];
    for await (const piece of pieces) {
      if (signal.aborted) break;
      await this.#client.write(type, piece, stop);
      this.#messages++;
      this.#bytes += piece.length;
    }
    if (signal.aborted) return;
    await this.#client.flush({ signal });
    this.#isAllSent = true;
  }

  async #awaitAnswers(receiving: Promise<void>): Promise<void> {
    const { options, signal } = this.#invocation;
    const { wait, timeout = ANSWER_MS } = options;
    const answered = new Promise<void>((resolve) => {
      this.#onAnswered = resolve;
    });
    if (this.#received < wait) {
      const time = pause(timeout, undefined, { signal: this.#answers.signal }).catch(() => {});
      await Promise.race([answered, receiving, time]);
    }
    if (signal.aborted) return;
    const isClosed = this.#connection.signal.aborted;
    if (isClosed) await receiving;
    if (this.#received >= wait) return;
    if (isClosed) throw this.#closed(`after ${this.#received} of ${wait} answers`);
    const answers = `${this.#received} of ${wait} answers within ${formatDuration(timeout)}`;
    throw new CommandError(EXIT.timeout, `${answers}; --timeout sets another time`);
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const { args, options, output } = this.#invocation;
    const incoming = new Incoming(this.#client, signal);
    for (;;) {
      const message = await incoming.next();
      if (typeof message === "string") return;
      if (this.#received === options.wait) continue;
      const { type, data } = message;
      await printMessage(output, { name: nameOf({ args }), direction: "in", type, data });
      if (++this.#received === options.wait) this.#onAnswered();
    }
  }

  #closed(what: string): CommandError {
    return new CommandError(EXIT.lost, `the server has closed the connection ${what}`);
  }
}
