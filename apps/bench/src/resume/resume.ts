import type { Scenario } from "@ipc-internal/stress";
import { markdownTable } from "markdown-table";
import { BOTH_MANNERS } from "../adapter.js";
import { nodeContestant } from "../contestant.js";
import { short, spread } from "../number-text.js";
import type { Order, Outcome } from "../order.js";
import { median } from "../quantile.js";

const WITHOUT = "secure";
const WITH = "secure, resume";
/** The least ratio of messages of 64 B one way with `resume` ÷ without. */
const TARGET = 0.85;
/** The event-loop delay that one in a hundred exceeds, with `resume` ÷ without: no worse, but for the noise of rounds. */
const DELAY_TARGET = 1.15;

/** By contestant, what came of each round. */
export type Outcomes = Readonly<Record<string, readonly Outcome[]>>;

/** Figures that are measured: their names, and how the table calls them. */
const RATES = BOTH_MANNERS.map((manner) => [manner, `${manner}: messages/s`] as const);
const TIMES = BOTH_MANNERS.flatMap((manner) =>
  (["sender", "receiver"] as const).map((end) => [`${manner}, ${end} ns`, `${manner}: ${end}, ns`] as const),
);
const DELAYS = [
  ["writerP99Ms", "writer, p99 ms"],
  ["writerMs", "writer, longest ms"],
  ["readerP99Ms", "reader, p99 ms"],
  ["readerMs", "reader, longest ms"],
] as const;
const HELD_DELAYS = ["writerP99Ms", "readerP99Ms"] as const;

/** The cost of keeping each message until the peer has received it. */
export const resume: Scenario<"rounds"> = {
  what: "measures messages of 64 B one way with `resume`, beside the same without, and for how long they hold up the event loop",
  page: "BENCHMARKS.md",
  options: { rounds: 12 },

  async run({ rounds }) {
    return reportResume(await measureInTurns(rounds, ORDERS));
  },
};

/** Steady state: of 500 ms, the compiler takes so much that it decides what the messages cost. */
const SEND_MS = 2_000;

const ORDERS: readonly Order[] = [
  { workload: "exchange", size: 64, pings: 1, pingMs: 1, manners: BOTH_MANNERS, sendMs: SEND_MS },
  // As many as two seconds allow: a million take a quarter of one, in which a single collection decides over the longest delay.
  { workload: "loop delay", size: 64, messages: Number.MAX_SAFE_INTEGER, sendMs: SEND_MS },
];

/** Measures both in turns; each round begins with the other one, so that other load on the machine meets both alike. */
export async function measureInTurns(rounds: number, orders: readonly Order[]): Promise<Outcomes> {
  const contestants = await Promise.all([WITHOUT, WITH].map((name) => nodeContestant(name, "")));
  const outcomes: Record<string, Outcome[]> = { [WITHOUT]: [], [WITH]: [] };
  for (let round = 0; round < rounds; round++) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const figures: Record<string, number> = {};
      const unsettled: string[] = [];
      for (const order of orders) {
        const outcome = await contestant.measure(order);
        Object.assign(figures, outcome.figures);
        unsettled.push(...(outcome.unsettled ?? []));
      }
      outcomes[contestant.name]?.push({ figures, unsettled });
    }
  }
  return outcomes;
}

/** Tells the figures as tables, and whether rates and delays reach their targets: by the median of the ratios of all rounds. */
export function reportResume(outcomes: Outcomes): { readonly figures: string; readonly met: boolean } {
  const isFast = RATES.every(([figure]) => ratio(outcomes, figure) >= TARGET);
  const isPrompt = HELD_DELAYS.every((figure) => ratio(outcomes, figure) <= DELAY_TARGET);
  const figures = [
    table("64 B, one way", outcomes, RATES),
    table("processor time", outcomes, TIMES),
    table("the event loop", outcomes, DELAYS),
    warmUps(outcomes),
    `Target: messages with \`resume\` ÷ without of at least ${TARGET}, in both manners: ${isFast ? "met" : "MISSED"}.`,
    `Target: p99 of the event loop's delay with \`resume\` ÷ without of at most ${DELAY_TARGET}, at both ends: ${isPrompt ? "met" : "MISSED"}.`,
  ].join("\n\n");
  return { figures, met: isFast && isPrompt };
}

function table(
  title: string,
  outcomes: Outcomes,
  columns: readonly (readonly [figure: string, head: string])[],
): string {
  const rows = [WITHOUT, WITH].map((name) => [
    name,
    ...columns.map(([figure]) => spread(valuesOf(outcomes, name, figure))),
  ]);
  const ratios = ["with ÷ without", ...columns.map(([figure]) => short(ratio(outcomes, figure)))];
  return markdownTable([[title, ...columns.map(([, head]) => head)], ...rows, ratios], {
    align: ["l", ...columns.map(() => "r")],
  });
}

/** How many of the compared figures were measured before their process was in its steady state. */
function warmUps(outcomes: Outcomes): string {
  const rounds = Object.values(outcomes).flat();
  const compared = [...RATES, ...HELD_DELAYS.map((figure) => [figure] as const)].map(([figure]) => figure as string);
  const unsettled = rounds.flatMap((outcome) => outcome.unsettled ?? []).filter((figure) => compared.includes(figure));
  if (unsettled.length === 0) return "All warm-ups settled.";
  return `The warm-up of ${unsettled.length} of ${rounds.length * compared.length} figures did not settle.`;
}

function valuesOf(outcomes: Outcomes, name: string, figure: string): number[] {
  return (outcomes[name] ?? []).map(({ figures }) => figures[figure] ?? Number.NaN);
}

function ratio(outcomes: Outcomes, figure: string): number {
  const without = valuesOf(outcomes, WITHOUT, figure);
  return median(valuesOf(outcomes, WITH, figure).map((value, round) => value / (without[round] ?? Number.NaN)));
}
