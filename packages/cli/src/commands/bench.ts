import type { Client } from "@ipc/client";
import { ANSWER_MS, nameOf, withClient } from "../connection/connect.js";
import { Incoming } from "../connection/incoming.js";
import { securityFields, securityText } from "../connection/security-text.js";
import { formatDuration } from "../duration.js";
import { CommandError, EXIT, type ExitCode } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { BENCH_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";

type Bench = Invocation<Values<typeof BENCH_OPTIONS>>;

/** Round trips before the measurement, in which both sides compile their code. */
const WARM_UP = 500;
const PERCENTILES = [50, 90, 99, 99.9] as const;

/** `ipc bench NAME`: measures round trips with a server that answers each message with one. */
export async function run(invocation: Bench): Promise<ExitCode | undefined> {
  const { options, output, signal } = invocation;
  const name = nameOf(invocation);
  await withClient(invocation, async (client) => {
    const trips = new RoundTrips(invocation, client);
    await trips.measure(Math.min(WARM_UP, options.count));
    const begin = performance.now();
    const times = (await trips.measure(options.count)).sort();
    if (signal.aborted) output.note("stopped: the figures are those of the round trips until then");
    if (times.length === 0) return;
    const seconds = (performance.now() - begin) / 1_000;
    const figures = {
      name,
      count: times.length,
      bytes: options.size,
      window: options.window,
      seconds: rounded(seconds),
      perSecond: Math.round(times.length / seconds),
      bytesPerSecond: Math.round((times.length * options.size * 2) / seconds),
      latencyUs: Object.fromEntries(
        [
          ...PERCENTILES.map((percent) => [`p${percent}`, percentile(times, percent)] as const),
          ["max", times[times.length - 1] ?? 0] as const,
        ].map(([key, ms]) => [key, rounded(ms * 1_000)]),
      ),
      ...securityFields(client.security),
    };
    if (output.format === "json") await output.json(figures);
    else {
      await output.line(`${client.remote}: ${securityText(client.security)}`);
      const rate = output.style("bold", `${figures.perSecond} round trips/s`);
      await output.line(
        `${figures.count} round trips of ${figures.bytes} bytes in ${formatDuration(seconds * 1_000)}: ${rate}`,
      );
      const latencies = Object.entries(figures.latencyUs).map(([key, us]) => `${key} ${formatDuration(us / 1_000)}`);
      await output.line(`latency: ${latencies.join(", ")}`);
    }
  });
  return undefined;
}

/** Sends messages and awaits their answers, `--window` of them at once. */
class RoundTrips {
  readonly #invocation: Bench;
  readonly #client: Client;
  readonly #incoming: Incoming;
  readonly #message: Buffer;
  /** Ends the wait for an answer when a message cannot be sent. */
  readonly #failed = new AbortController();

  constructor(invocation: Bench, client: Client) {
    this.#invocation = invocation;
    this.#client = client;
    this.#incoming = new Incoming(client, AbortSignal.any([invocation.signal, this.#failed.signal]));
    this.#message = Buffer.alloc(invocation.options.size, "x");
  }

  /** Resolves with the time of each round trip in milliseconds; of fewer than `count` when the signal comes. */
  async measure(count: number): Promise<Float64Array> {
    const { options, signal } = this.#invocation;
    const times = new Float64Array(count);
    // Answers come in the order of their messages.
    const begins = new Float64Array(options.window);
    let [sent, received, isSending] = [0, 0, false];
    const fillWindow = async (): Promise<void> => {
      isSending = true;
      try {
        while (sent < count && sent - received < options.window) {
          begins[sent++ % options.window] = performance.now();
          await this.#client.write(options.type, this.#message, { signal });
        }
      } catch (error) {
        this.#failed.abort(error);
      }
      isSending = false;
    };
    while (received < count) {
      // Not awaited: a server that waits until its answers are read reads no messages either.
      if (!isSending) void fillWindow();
      const message = await this.#incoming.next(options.timeout ?? ANSWER_MS);
      if (message === "ended") {
        if (signal.aborted) break;
        this.#failed.signal.throwIfAborted();
        throw new CommandError(EXIT.lost, `the server has closed the connection after ${received} answers`);
      }
      if (message === "idle") throw this.#unanswered(received);
      times[received] = performance.now() - (begins[received % options.window] ?? 0);
      received++;
    }
    return times.subarray(0, received);
  }

  #unanswered(received: number): CommandError {
    const limit = formatDuration(this.#invocation.options.timeout ?? ANSWER_MS);
    return new CommandError(
      EXIT.timeout,
      `no answer within ${limit} after ${received} round trips; the server must answer each message with one, as \`ipc serve ${nameOf(this.#invocation)} --echo\` does`,
    );
  }
}

function percentile(sorted: Float64Array, percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
