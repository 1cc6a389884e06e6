import { setTimeout as pause } from "node:timers/promises";
import { openAddress } from "../connection/address.js";
import { connectAt, nameOf } from "../connection/connect.js";
import { securityFields, securityText } from "../connection/security-text.js";
import { formatDuration } from "../duration.js";
import { EXIT, type ExitCode, exitCodeOf } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { PING_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { visible } from "../output/visible-text.js";

type Ping = Invocation<Values<typeof PING_OPTIONS>>;

/**
 * `ipc ping NAME`: connects, shakes hands and closes, `--count` times. The time is that of the connect and the handshake, which is a
 * round trip that every server answers, those of golang-ipc too.
 */
export async function run(invocation: Ping): Promise<ExitCode | undefined> {
  const { options, output, signal } = invocation;
  const name = nameOf(invocation);
  const address = await openAddress(options);
  const times = { count: 0, sum: 0, least: Number.POSITIVE_INFINITY, most: 0 };
  let failures = 0;
  let code: ExitCode | undefined;
  try {
    for (let seq = 1; seq <= options.count && !signal.aborted; seq++) {
      if (seq > 1) await pause(options.interval, undefined, { signal });
      try {
        const ms = await ping(invocation, name, seq, address);
        times.count++;
        times.sum += ms;
        times.least = Math.min(times.least, ms);
        times.most = Math.max(times.most, ms);
      } catch (error) {
        if (signal.aborted) break;
        // One ping is a question with one answer; several are a watch that goes on.
        code = exitCodeOf(error);
        if (options.count === 1 || code === EXIT.usage) throw error;
        failures++;
        await reportFailure(invocation, name, seq, error);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await address.release();
  }
  if (options.count > 1 || signal.aborted) output.note(summary(name, times, failures));
  return code;
}

async function ping(invocation: Ping, name: string, seq: number, address: Awaited<ReturnType<typeof openAddress>>) {
  const { output } = invocation;
  const begin = performance.now();
  const client = await connectAt(address, invocation);
  const ms = performance.now() - begin;
  const { security, remote } = client;
  // It has answered; how it ends the connection is not asked.
  await client.close().catch(() => {});
  if (output.format === "json") {
    const at = new Date().toISOString();
    await output.json({ at, name, seq, ok: true, ms: Number(ms.toFixed(3)), remote, ...securityFields(security) });
  } else {
    const server = output.style("bold", visible(remote));
    await output.line(`${server}: seq=${seq} time=${formatDuration(ms)}, ${securityText(security)}`);
  }
  return ms;
}

async function reportFailure({ output }: Ping, name: string, seq: number, error: unknown): Promise<void> {
  const { code = "", message } = error as { readonly code?: string; readonly message: string };
  if (output.format === "json") {
    await output.json({ at: new Date().toISOString(), name, seq, ok: false, code, message });
  } else {
    await output.line(`${output.style("red", name)}: seq=${seq} ${code}: ${visible(message)}`);
  }
}

/** The times of the pings that were answered, in milliseconds. */
interface Times {
  readonly count: number;
  readonly sum: number;
  readonly least: number;
  readonly most: number;
}

function summary(name: string, { count, sum, least, most }: Times, failures: number): string {
  const pings = `${name}: ${count + failures} pings, ${count} answered`;
  if (count === 0) return pings;
  return `${pings}, least ${formatDuration(least)}, mean ${formatDuration(sum / count)}, most ${formatDuration(most)}`;
}
