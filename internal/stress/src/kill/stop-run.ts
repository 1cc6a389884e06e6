import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import { BUDGET_BYTES, endBoth, NAME, type PeerProcess, startPeer } from "./kill-run.js";
import type { PeerReport, Rate } from "./peer.js";

/** Messages that must have come before a side is stopped, at the most. */
const MAX_MESSAGES = 100;
/** As fast as it is taken. A write of 64 KiB or more waits for the kernel, not for the budget. */
const RATE: Rate = { maxMessageBytes: 60_000, pauseMs: 0 };
/** A message may be charged and framed with so much. */
const MESSAGE_EXTRA_BYTES = 256;

export interface StopRun {
  readonly encryption: boolean;
  /** The stops of both sides together, in turn. */
  readonly stops: number;
}

export interface StopResult {
  readonly run: StopRun;
  /** The most that the other side had queued while one was stopped. */
  readonly maxQueuedBytes: number;
  readonly client: PeerReport;
  readonly server: PeerReport;
}

/**
 * Stops one side in the middle of the traffic until the other can write no more, lets it go on, and waits for everything that was
 * accepted meanwhile; again and again, on one connection.
 * @throws Error when a promise was broken
 */
export function stopAndContinue(run: StopRun): Promise<StopResult> {
  return Place.lend((place) => playStops(run, place));
}

async function playStops(run: StopRun, place: Place): Promise<StopResult> {
  const { encryption, stops } = run;
  const random = new SeededRandom(stops);
  const { directory } = place;
  const always = { life: 0, clients: 1, restsOnOdd: false, rate: RATE, budgetBytes: BUDGET_BYTES };
  const start = { name: NAME, directory, encryption, ...always };
  const server = await startPeer(place);
  await server.call("start", { ...start, role: "server" });
  const client = await startPeer(place);
  await client.call("start", { ...start, role: "client" });
  const hear = (peer: PeerProcess, messages: number): Promise<void> => peer.call("hear", { life: 0, messages });

  let maxQueuedBytes = 0;
  const heard = { client: 0, server: 0 };
  for (let stop = 0; stop < stops; stop++) {
    const side = stop % 2 === 0 ? "server" : "client";
    const [stopped, other] = side === "server" ? [server, client] : [client, server];
    await hear(stopped, heard[side] + random.integer(1, MAX_MESSAGES));
    stopped.signal("SIGSTOP");
    const { accepted, queuedBytes } = await other.call("stall");
    stopped.signal("SIGCONT");
    if (queuedBytes > BUDGET_BYTES + RATE.maxMessageBytes + MESSAGE_EXTRA_BYTES) {
      throw new Error(`${queuedBytes} bytes were queued for a ${side} that was stopped, the budget is ${BUDGET_BYTES}`);
    }
    maxQueuedBytes = Math.max(maxQueuedBytes, queuedBytes);
    heard[side] = accepted;
    await hear(stopped, accepted);
  }
  const reports = await endBoth(client, server);
  if (reports.client.reconnects + reports.server.reconnects > 0) throw new Error("the connection did not last");
  return { run, maxQueuedBytes, ...reports };
}
