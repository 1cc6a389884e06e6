import type { Field } from "./contestant.js";
import { describeMachine } from "./machine.js";
import type { Results } from "./results.js";
import { measureAll, type Progress } from "./schedule.js";
import { type Pace, QUICK, type Section, sectionsOf } from "./section.js";
import { type CallCount, countCalls, type Manner, type SystemCalls, whyNoTracer } from "./system-calls.js";

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
  const all: readonly Section[] = sectionsOf(pace);
  const sections = pick(all, words);
  const contestants = pick(field.contestants, words);
  const wantsCalls = pick([...all, { name: CALLS }], words).some(({ name }) => name === CALLS);
  const samples = await measureAll(sections, contestants, progress);
  const systemCalls: SystemCalls = wantsCalls
    ? await countAll(
        contestants.map(({ name }) => name),
        pace,
        progress,
      )
    : { missing: "it was not asked for" };
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

/** Those whose name has one of the words; all of them when no word names any. */
function pick<T extends { readonly name: string }>(all: readonly T[], words: readonly string[]): T[] {
  const wanted = words.flatMap((word) => {
    const exact = all.filter(({ name }) => name === word);
    return exact.length > 0 ? exact : all.filter(({ name }) => name.includes(word));
  });
  return wanted.length > 0 ? all.filter((one) => wanted.includes(one)) : [...all];
}
