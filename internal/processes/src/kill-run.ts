import { setTimeout as pause } from "node:timers/promises";
import { SeededRandom } from "@ipc-internal/seeded";
import { ChildProgram } from "./child-program.js";
import { NAME, type PeerNews, type PeerOrder, type PeerReport, type Role } from "./peer-order.js";
import { Place } from "./place.js";

export type PeerProcess = ChildProgram<PeerOrder, PeerNews>;

/** Messages that must have come on a connection, at the most, before one of its sides is killed. */
const MAX_MESSAGES = 200;
/** How long there is nobody in the place of who was killed, at the most, in milliseconds. */
const MAX_AWAY_MS = 1_000;

export interface KillRun {
  /** Who is killed; the other side is one process that stays. */
  readonly victim: Role;
  readonly encryption: boolean;
  readonly kills: number;
  /** Of a manager. @default 1 */
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
  /** What the side that stayed has seen. */
  readonly survivor: PeerReport;
}

/**
 * Kills one side in the midst of the traffic, again and again, and starts another in its place.
 * @throws Error when a promise was broken
 */
export function killAndReplace(run: KillRun): Promise<KillResult> {
  return Place.lend((place) => playKills(run, place));
}

export function startPeer(place: Place): Promise<PeerProcess> {
  return place.watch(ChildProgram.start<PeerOrder, PeerNews>("peer-program"));
}

async function playKills(run: KillRun, place: Place): Promise<KillResult> {
  const { victim: victimRole, encryption, kills, clients = 1, away } = run;
  const survivorRole = victimRole === "client" ? "server" : "client";
  const random = new SeededRandom(kills);
  const begin = (peer: PeerProcess, role: Role, life: number): Promise<{ from: number; at: number }> =>
    peer.ask({ kind: "start", role, directory: place.directory, encryption, life, clients }, "started");
  const hearBoth = async (survivor: PeerProcess, victim: PeerProcess, life: number): Promise<void> => {
    const messages = random.integer(1, MAX_MESSAGES);
    await Promise.all([
      survivor.ask({ kind: "hear", life, messages }, "heard"),
      victim.ask({ kind: "hear", life: 0, messages }, "heard"),
    ]);
  };

  const survivor = await startPeer(place);
  let victim = await startPeer(place);
  // The server first: a client stays until it has one, but is told to have started only then.
  if (survivorRole === "client") await begin(victim, victimRole, 0);
  await begin(survivor, survivorRole, 0);
  if (survivorRole === "server") await begin(victim, victimRole, 0);
  else await connections(survivor, clients);

  const backMs: number[] = [];
  for (let life = 1; life <= kills; life++) {
    const next = await startPeer(place);
    await hearBoth(survivor, victim, life - 1);
    await victim.kill();
    place.assertHolds(`${NAME}.sock`);
    if (away && random.chance(0.5)) await pause(random.integer(0, MAX_AWAY_MS));
    const { from, at } = await begin(next, victimRole, life);
    backMs.push(survivorRole === "server" ? at - from : (await connections(survivor, clients)) - at);
    place.assertHolds(`${NAME}.sock`);
    victim = next;
  }
  await hearBoth(survivor, victim, kills);
  const report = await endBoth(...(survivorRole === "client" ? [survivor, victim] : [victim, survivor]));
  const stayed = survivorRole === "client" ? report.client : report.server;
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
export async function endBoth(client: PeerProcess, server: PeerProcess): Promise<{ client: PeerReport; server: PeerReport }> {
  await Promise.all([client, server].map((peer) => peer.ask({ kind: "finish" }, "finished")));
  const reports = {
    client: (await client.ask({ kind: "close" }, "over")).report,
    server: (await server.ask({ kind: "close" }, "over")).report,
  };
  await client.end();
  await server.end();
  return reports;
}
