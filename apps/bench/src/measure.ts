import { fileURLToPath } from "node:url";
import { describeMachine } from "@ipc-internal/stress";
import type { Field } from "./contestant.js";
import { watchStolen } from "./machine.js";
import type { Order } from "./order.js";
import { PARTS, profile } from "./profile.js";
import type { Results, WorkProfile } from "./results.js";
import { measureAll, type Progress } from "./schedule.js";
import { type Pace, sectionsOf } from "./section.js";
import { select } from "./selection.js";
import { type CallCount, countCalls, type Manner, type SystemCalls, whyNoTracer } from "./system-calls.js";
import { MEASURED } from "./tables.js";

const MINUTE_MS = 60_000;
const CALLS = "system calls";
const PROFILE = "profile";
const CLIENT = fileURLToPath(new URL("../dist/client-process.js", import.meta.url));

/** Is no contestant of its own, because of its figures only the system calls belong into this run. */
const RESUMED = "secure, resume";

/** The contestants of which system calls are counted: of ours, those that send in ways of their own. */
const COUNTED: readonly (readonly [contestant: string, size: number, manner: Manner])[] = [
  ...["bare loop", "plain", "secure", RESUMED, "ws"].flatMap((contestant) =>
    (["echo", "when it must"] as const).map((manner) => [contestant, 64, manner] as const),
  ),
  ...["plain", "secure", RESUMED].map((contestant) => [contestant, 64, "awaited"] as const),
  ...["bare loop", "plain", "secure"].map((contestant) => [contestant, 65_536, "when it must"] as const),
];

/** The works whose time is profiled, because the targets are about them. */
const PROFILED: readonly {
  readonly work: string;
  readonly contestants: readonly string[];
  readonly order: Profiled;
}[] = [
  { work: "64 B, to and fro", contestants: ["plain", "secure"], order: { size: 64, messages: 200, manner: "echo" } },
  {
    work: "64 B, burst",
    contestants: ["bare loop", "plain", "secure"],
    order: { size: 64, messages: 50_000, manner: "when it must" },
  },
  {
    work: "64 B, each awaited",
    contestants: ["plain", "compatible", "secure"],
    order: { size: 64, messages: 50_000, manner: "awaited" },
  },
  {
    work: "1 MiB, burst",
    contestants: ["bare loop", "plain", "secure"],
    order: { size: 1_048_576, messages: 200, manner: "when it must" },
  },
  { work: "64 B, 1 000 clients", contestants: ["plain", "compatible", "secure"], order: { size: 64, clients: 1_000 } },
];

type Profiled =
  | Pick<Extract<Order, { workload: "count" }>, "size" | "messages" | "manner">
  | Pick<Extract<Order, { workload: "fan-in" }>, "size" | "clients">;

/** Measures what the words ask for: everything when there are none. */
export async function measure(
  field: Field,
  pace: Pace,
  words: readonly string[],
  progress: Progress,
): Promise<Results> {
  const from = performance.now();
  const machine = describeMachine();
  const stolen = watchStolen();
  const all = sectionsOf(pace);
  const names = { sections: [...all.map(nameOf), CALLS, PROFILE], contestants: field.contestants.map(nameOf) };
  const selection = select(words, names, MEASURED);
  const sections = all.filter(({ name }) => selection.sections.includes(name));
  const contestants = field.contestants.filter(({ name }) => selection.contestants.includes(name));
  const samples = await measureAll(sections, contestants, progress);
  const systemCalls = selection.sections.includes(CALLS)
    ? await countAll(selection.contestants, pace, progress)
    : undefined;
  const profiles = selection.sections.includes(PROFILE)
    ? await profileAll(selection.contestants, pace, progress)
    : undefined;
  return {
    machine,
    isQuick: pace.isQuick,
    rounds: pace.rounds,
    minutes: (performance.now() - from) / MINUTE_MS,
    stolen: stolen(),
    contestants: contestants.map(({ name, what }) => ({ name, what })),
    notRun: field.notRun,
    samples,
    systemCalls,
    profiles,
  };
}

async function countAll(names: readonly string[], { calls }: Pace, progress: Progress): Promise<SystemCalls> {
  const missing = await whyNoTracer();
  if (missing !== undefined) return { missing };
  const counts: CallCount[] = [];
  const wanted = COUNTED.filter(([contestant]) => names.includes(contestant === RESUMED ? "secure" : contestant));
  for (const [index, [contestant, size, manner]] of wanted.entries()) {
    progress(index, wanted.length, `${CALLS}, ${contestant}`);
    try {
      counts.push(await countCalls(contestant, size, manner, manner === "echo" || size > 64 ? calls / 50 : calls));
    } catch (error) {
      // Earlier results must not be lost with it.
      console.error(`${CALLS}, ${contestant}, ${manner}: not counted: ${String(error)}`);
    }
  }
  return { counts };
}

async function profileAll(names: readonly string[], pace: Pace, progress: Progress): Promise<WorkProfile[]> {
  const { profileMs } = pace;
  const jobs = PROFILED.flatMap(({ work, contestants, order }) =>
    contestants.filter((contestant) => names.includes(contestant)).map((contestant) => ({ work, contestant, order })),
  );
  const profiles: WorkProfile[] = [];
  for (const [index, { work, contestant, order }] of jobs.entries()) {
    progress(index, jobs.length, `${PROFILE}, ${contestant}`);
    const whole: Order =
      "clients" in order
        ? { workload: "fan-in", sendMs: profileMs, ...order }
        : { workload: "count", warmUpMs: profileMs, ...order };
    // Earlier results must not be lost with it.
    const profiled = { program: CLIENT, contestant, order: whole, parts: PARTS };
    const found = await profile(profiled, profileMs / 2).catch((error: unknown) => {
      console.error(`${work}, ${contestant}: no profile: ${String(error)}`);
      return [];
    });
    for (const one of found) profiles.push({ work, ...one });
  }
  return profiles;
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}
