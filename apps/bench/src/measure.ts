import type { Field } from "./contestant.js";
import { describeMachine } from "./machine.js";
import type { Results } from "./results.js";
import { measureAll, type Progress } from "./schedule.js";
import { type Pace, QUICK, sectionsOf } from "./section.js";
import { select } from "./selection.js";
import { type CallCount, countCalls, type Manner, type SystemCalls, whyNoTracer } from "./system-calls.js";
import { MEASURED } from "./tables.js";

const MINUTE_MS = 60_000;
const CALLS = "system calls";

/** Whose system calls are counted: what decides over them is the same in all of ours but the sealing. */
const COUNTED: readonly (readonly [contestant: string, size: number, manner: Manner])[] = [
  ...["bare loop", "plain", "secure", "ws"].flatMap((contestant) =>
    (["echo", "when it must"] as const).map((manner) => [contestant, 64, manner] as const),
  ),
  ...["plain", "secure"].map((contestant) => [contestant, 64, "awaited"] as const),
  ...["bare loop", "plain", "secure"].map((contestant) => [contestant, 65_536, "when it must"] as const),
];

/** Measures what the words ask for: everything when there are none. */
export async function measure(
  field: Field,
  pace: Pace,
  words: readonly string[],
  progress: Progress,
): Promise<Results> {
  const from = performance.now();
  const machine = describeMachine();
  const all = sectionsOf(pace);
  const names = { sections: [...all.map(nameOf), CALLS], contestants: field.contestants.map(nameOf) };
  const selection = select(words, names, MEASURED);
  const sections = all.filter(({ name }) => selection.sections.includes(name));
  const contestants = field.contestants.filter(({ name }) => selection.contestants.includes(name));
  const samples = await measureAll(sections, contestants, progress);
  const systemCalls = selection.sections.includes(CALLS)
    ? await countAll(selection.contestants, pace, progress)
    : undefined;
  return {
    machine,
    isQuick: pace === QUICK,
    minutes: (performance.now() - from) / MINUTE_MS,
    contestants: contestants.map(({ name, what }) => ({ name, what })),
    notRun: field.notRun,
    samples,
    systemCalls,
  };
}

async function countAll(names: readonly string[], { calls }: Pace, progress: Progress): Promise<SystemCalls> {
  const missing = await whyNoTracer();
  if (missing !== undefined) return { missing };
  const counts: CallCount[] = [];
  const wanted = COUNTED.filter(([contestant]) => names.includes(contestant));
  for (const [index, [contestant, size, manner]] of wanted.entries()) {
    progress(index, wanted.length, `${CALLS}, ${contestant}`);
    counts.push(await countCalls(contestant, size, manner, manner === "echo" || size > 64 ? calls / 50 : calls));
  }
  return { counts };
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}
