// Uses everything again and again, and looks from time to time what this process holds. usage: node --expose-gc soak-program.js
import { type Footprint, footprint } from "../process/footprint.js";
import { serveMeasurement } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { SoakWorld } from "./soak-world.js";

/** What the process holds at a moment, and what it has done. */
export interface Sample {
  readonly rounds: number;
  readonly messages: number;
  readonly files: number;
  readonly footprint: Footprint;
}

export interface Soak {
  /** Rounds before the first look: what is loaded and kept once is there then. */
  readonly warmUp: number;
  /** Further looks, and the time between two, in which there is a round at the least. */
  readonly looks: number;
  readonly lookMs: number;
}

async function play({ warmUp, looks, lookMs }: Soak, place: Place): Promise<Sample[]> {
  const world = await SoakWorld.open(place);
  const samples: Sample[] = [];
  const look = async (): Promise<void> => {
    await world.settle();
    const { rounds, messages } = world;
    samples.push({ rounds, messages, files: world.countFiles(), footprint: await footprint() });
  };
  for (let round = 0; round < warmUp; round++) await world.round();
  await look();
  const from = performance.now();
  for (let number = 1; number <= looks; number++) {
    do await world.round();
    while (performance.now() - from < number * lookMs);
    await look();
  }
  await world.close();
  return samples;
}

serveMeasurement(play);
