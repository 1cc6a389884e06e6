import { besideBusyCores } from "./busy-core.js";
import type { Contestant, Inability } from "./contestant.js";
import type { Outcome } from "./order.js";
import type { Point, Section } from "./section.js";

/** One measurement. */
export interface Sample {
  readonly section: string;
  readonly at: number;
  readonly contestant: string;
  readonly round: number;
  /** How long it took with its processes' start: shows what makes a run long. */
  readonly seconds: number;
  /** The outcome, or why there is none. */
  readonly outcome: Outcome | Inability | { readonly failed: string };
}

interface Job {
  readonly section: string;
  readonly point: Point;
  readonly contestant: Contestant;
  readonly round: number;
}

export type Progress = (done: number, of: number, what: string) => void;

/**
 * Measures everything, interleaved: a round has each contestant once, and the next one begins with another, so that whatever
 * else the machine does falls on all alike.
 */
export async function measureAll(
  sections: readonly Section[],
  contestants: readonly Contestant[],
  progress: Progress,
): Promise<Sample[]> {
  const jobs = sections.flatMap((section) => jobsOf(section, contestants));
  const samples: Sample[] = [];
  for (const [index, { section, point, contestant, round }] of jobs.entries()) {
    const { at, order } = point;
    progress(index, jobs.length, `${section} ${at}, ${contestant.name}`);
    const cannot = contestant.cannot(order);
    // A contestant that failed once is not run again.
    const failure = samples.find((sample) => isOf(sample, section, at, contestant) && "failed" in sample.outcome);
    const from = performance.now();
    const outcome = failure?.outcome ?? cannot ?? (await tryToMeasure(contestant, point));
    const seconds = (performance.now() - from) / 1_000;
    samples.push({ section, at, contestant: contestant.name, round, seconds, outcome });
  }
  progress(jobs.length, jobs.length, "done");
  return samples;
}

function isOf(sample: Sample, section: string, at: number, contestant: Contestant): boolean {
  return sample.section === section && sample.at === at && sample.contestant === contestant.name;
}

async function tryToMeasure(contestant: Contestant, { order, busyCores = 0 }: Point): Promise<Sample["outcome"]> {
  try {
    return await besideBusyCores(busyCores, () => contestant.measure(order));
  } catch (error) {
    return { failed: (error as Error).message };
  }
}

function jobsOf({ name, points }: Section, contestants: readonly Contestant[]): Job[] {
  const most = Math.max(...points.map(({ rounds }) => rounds));
  const jobs: Job[] = [];
  for (let round = 0; round < most; round++) {
    for (const point of points.filter(({ rounds }) => round < rounds)) {
      const takePart = contestants.filter((contestant) => point.only?.includes(contestant.name) ?? true);
      const turned = [...takePart.slice(round % takePart.length), ...takePart.slice(0, round % takePart.length)];
      for (const contestant of turned) jobs.push({ section: name, point, contestant, round });
    }
  }
  return jobs;
}
