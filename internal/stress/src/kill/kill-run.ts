import { setTimeout as pause } from "node:timers/promises";
import { type Child, PATIENCE_MS } from "../process/child.js";
import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import type { PeerCalls, PeerNews, PeerReport, Rate, Role } from "./peer.js";

export type PeerProcess = Child<PeerCalls, PeerNews>;

/** The name of every server. */
export const NAME = "kills";
/** A peer queues, and leaves unread, so much at the most. Small, so that a side that stands still is noticed soon. */
export const BUDGET_BYTES = 262_144;

/** As fast as it is taken, and most kills cut a message in two. */
const FULL_RATE: Rate = { maxMessageBytes: 200_000, pauseMs: 0 };

/** The socket files that a killed server of many leaves. */
const ENDPOINTS = [`${NAME}.sock`, `${NAME}_manager.sock`];
/** Messages that must have come on all connections together, at the most, before a side is killed; one on each at the least. */
const MAX_MESSAGES = 100;
/** The rate of each of many clients, and of their server for each: at the full rate they would occupy the machine. */
const SHARED_RATE: Rate = { maxMessageBytes: 4_000, pauseMs: 20 };
/** How long the killed process is not replaced, at the most, in milliseconds. */
const MAX_AWAY_MS = 1_000;

export interface KillRun {
  /** The side that is killed; the other side is one process that stays. */
  readonly victim: Role;
  readonly encryption: boolean;
  readonly kills: number;
  /** The clients of a manager. @default 1 */
  readonly clients?: number;
  /** Whether, every other time, the place is left empty for a while, so that a client's pauses grow. */
  readonly away: boolean;
}

export interface KillResult {
  readonly run: KillRun;
  /**
   * Milliseconds, for each kill: from when the new server listens to when all clients are connected; of a client, from when the
   * new one is told to start to when it is connected.
   */
  readonly backMs: readonly number[];
  /** The observations of the side that stayed. */
  readonly survivor: PeerReport;
}

/**
 * Kills one side in the middle of the traffic, again and again, and starts another in its place.
 * @throws Error when a promise was broken
 */
export function killAndReplace(run: KillRun): Promise<KillResult> {
  return Place.lend((place) => playKills(run, place));
}

export function startPeer(place: Place): Promise<PeerProcess> {
  return place.start<PeerCalls, PeerNews>("kill/peer", { patienceMs: PATIENCE_MS });
}

async function playKills(run: KillRun, place: Place): Promise<KillResult> {
  const { victim: victimRole, encryption, kills, clients = 1, away } = run;
  const survivorRole = victimRole === "client" ? "server" : "client";
  const random = new SeededRandom(kills);
  const rate = clients > 1 ? SHARED_RATE : FULL_RATE;
  const { directory } = place;
  const start = { name: NAME, directory, encryption, clients, rate, budgetBytes: BUDGET_BYTES };
  const begin = (peer: PeerProcess, role: Role, life: number): Promise<{ from: number; at: number }> =>
    peer.call("start", { ...start, role, life, restsOnOdd: role === survivorRole });
  const hearBoth = async (survivor: PeerProcess, victim: PeerProcess, life: number): Promise<void> => {
    const messages = random.integer(1, Math.ceil(MAX_MESSAGES / clients));
    await survivor.call("hear", { life, messages });
    if (life % 2 === 0) await victim.call("hear", { life: 0, messages });
  };

  const files = victimRole === "manager" ? ENDPOINTS : [`${NAME}.sock`];
  const [survivor, first] = await Promise.all([startPeer(place), startPeer(place)]);
  let victim = first;
  // The server first: a client stays until it has one, but is told to have started only then.
  if (survivorRole === "client") await begin(victim, victimRole, 0);
  await begin(survivor, survivorRole, 0);
  if (survivorRole === "server") await begin(victim, victimRole, 0);
  else await connections(survivor, clients);

  const backMs: number[] = [];
  for (let life = 1; life <= kills; life++) {
    // It takes long beside the traffic, and must not count.
    const [next] = await Promise.all([startPeer(place), hearBoth(survivor, victim, life - 1)]);
    await victim.kill();
    place.assertHolds(...files);
    if (away && random.chance(0.5)) await pause(random.integer(0, MAX_AWAY_MS));
    const { from, at } = await begin(next, victimRole, life);
    backMs.push(survivorRole === "server" ? at - from : (await connections(survivor, clients)) - at);
    place.assertHolds(...files);
    victim = next;
  }
  await hearBoth(survivor, victim, kills);
  const stayed =
    survivorRole === "client" ? (await endBoth(survivor, victim)).client : (await endBoth(victim, survivor)).server;
  if (stayed.reconnects !== kills * clients) {
    throw new Error(`${stayed.reconnects} new connections after ${kills} kills, of ${clients} clients`);
  }
  return { run, backMs, survivor: stayed };
}

/** Waits until so many connections have been made; resolves with when the last one was. */
async function connections(client: PeerProcess, count: number): Promise<number> {
  let last = 0;
  for (let made = 0; made < count; made++) last = (await client.next("connected")).at;
  return last;
}

/** Lets both sides bring all that they have written, and ends them. */
export async function endBoth(
  client: PeerProcess,
  server: PeerProcess,
): Promise<{ client: PeerReport; server: PeerReport }> {
  await Promise.all([client, server].map((peer) => peer.call("finish")));
  const reports = {
    client: await client.call("close"),
    server: await server.call("close"),
  };
  await client.end();
  await server.end();
  return reports;
}
