import { setTimeout as pause } from "node:timers/promises";
import { deriveSharedSecret, generateKeyPair } from "@ipc/crypto";
import { groupDigits, quantile, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import type { Pretence } from "./attacker.js";
import { type AttackPlan, type Setup, withSetup } from "./setup.js";

/** Connects are counted for so long, in seconds, without strangers and among them. */
const COUNT_SECONDS = 4.5;

/** The strangers come for so long, in seconds, before connects are counted: longer than a handshake may take. */
const BEFORE_SECONDS = 6;

/** As many clients as without strangers, divided by this number, connect among them. */
const TARGET_SHARE = 10;

/** Key pairs and derivations whose processor time is measured. */
const EXCHANGES = 200;

const PRETENCES: readonly Pretence[] = ["nothing", "a public key", "a false AUTH"];

/** One run. Shares are of a core. */
interface Sample {
  readonly calm: number;
  readonly among: number;
  readonly attackerShare: number;
  readonly victimShare: number;
}

interface Row {
  readonly role: "server" | "manager";
  readonly pretence: Pretence;
  readonly samples: readonly Sample[];
}

/** Clients without a key, more than a server can serve, and how many clients with the key connect meanwhile. */
export const strangers: Scenario<"runs" | "rate"> = {
  what: "lets so many strangers a second connect to a server and a manager, and counts the clients with the key that still do",
  page: "ROBUSTNESS.md",
  options: { runs: 3, rate: 1_000 },

  async run({ runs, rate }) {
    const rows: Row[] = [];
    for (const role of ["server", "manager"] as const) {
      for (const pretence of PRETENCES) {
        const samples: Sample[] = [];
        for (let run = 0; run < runs; run++) samples.push(await playOnce(role, pretence, rate));
        rows.push({ role, pretence, samples });
        console.error(cellsOf({ role, pretence, samples }).join(" | "));
      }
    }
    const exchangeMs = await measureExchange();
    const met = rows.every(isMet);
    const lines = [
      table(
        ["victim", "the strangers send", "cores, strangers", "cores, victim", "connects without", "among them"],
        rows.map(cellsOf),
      ),
      `A key pair and a derivation, which each public key costs the victim, take ${exchangeMs.toFixed(1)} ms of a core here: ${groupDigits(rate)} a second`,
      `take ${((exchangeMs * rate) / 1_000).toFixed(1)} cores, of which the derivations are on the event loop.`,
      "",
      `Target: a ${TARGET_SHARE}th as many connects as without strangers, in the median: ${met ? "met" : `missed by ${missesOf(rows)}`}.`,
    ];
    return { figures: lines.join("\n"), met };
  },
};

function playOnce(role: Row["role"], pretence: Pretence, perSecond: number): Promise<Sample> {
  const plan: AttackPlan = { role, wire: "secure", keyed: true, reads: true };
  return withSetup(plan, async (setup) => {
    const calm = await connectsWithin(setup, COUNT_SECONDS);
    const seconds = BEFORE_SECONDS + COUNT_SECONDS + 1;
    const flood = setup.attacker.call("strangers", { perSecond, seconds, pretence });
    await pause(BEFORE_SECONDS * 1_000);
    const before = await setup.victim.call("report");
    const among = await connectsWithin(setup, COUNT_SECONDS);
    const after = await setup.victim.call("report");
    const attackerShare = await flood;
    await setup.attacker.call("stop");
    return {
      calm,
      among,
      attackerShare,
      victimShare: (after.processorMs - before.processorMs) / (COUNT_SECONDS * 1_000),
    };
  });
}

/** Connects, one after the other. */
async function connectsWithin(setup: Setup, seconds: number): Promise<number> {
  const visits = new AbortController();
  const over = pause(seconds * 1_000).then(() => visits.abort());
  let count = 0;
  while (!visits.signal.aborted) {
    await setup.visit(visits.signal).then(
      () => count++,
      () => {},
    );
  }
  await over;
  return count;
}

/** Processor time of a key pair and a derivation, in milliseconds. */
async function measureExchange(): Promise<number> {
  const { publicKey } = await generateKeyPair();
  const before = process.cpuUsage();
  for (let count = 0; count < EXCHANGES; count++) deriveSharedSecret((await generateKeyPair()).privateKey, publicKey);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / EXCHANGES;
}

function isMet({ samples }: Row): boolean {
  const median = (values: readonly number[]): number => quantile(values, 0.5);
  return median(samples.map(({ among }) => among)) * TARGET_SHARE >= median(samples.map(({ calm }) => calm));
}

function missesOf(rows: readonly Row[]): string {
  return rows
    .filter((row) => !isMet(row))
    .map(({ role, pretence }) => `${role}, ${pretence}`)
    .join("; ");
}

function cellsOf({ role, pretence, samples }: Row): string[] {
  const list = (figures: readonly number[], decimals = 0): string =>
    figures.map((figure) => figure.toFixed(decimals)).join(", ");
  return [
    role,
    pretence,
    list(
      samples.map(({ attackerShare }) => attackerShare),
      2,
    ),
    list(
      samples.map(({ victimShare }) => victimShare),
      2,
    ),
    list(samples.map(({ calm }) => calm)),
    list(samples.map(({ among }) => among)),
  ];
}
