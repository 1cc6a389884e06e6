import { median } from "./quantile.js";
import type { Sample } from "./schedule.js";
import type { SystemCalls } from "./system-calls.js";

/** Everything that one run has found out: the document is made of nothing else. */
export interface Results {
  readonly machine: string;
  readonly isQuick: boolean;
  readonly minutes: number;
  readonly contestants: readonly { readonly name: string; readonly what: string }[];
  readonly notRun: readonly { readonly name: string; readonly why: string }[];
  readonly samples: readonly Sample[];
  /** Undefined where they were not asked for. */
  readonly systemCalls?: SystemCalls | undefined;
}

/** Which figure of which measurement. */
export interface Place {
  readonly section: string;
  readonly at: number;
  readonly contestant: string;
  readonly figure: string;
}

/** Asks results for figures over all rounds. */
export class Figures {
  readonly #samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  /** One for each round, none where there is none. */
  all({ figure, ...place }: Place): number[] {
    return this.#of(place).flatMap(({ outcome }) => {
      const value = "figures" in outcome ? outcome.figures[figure] : undefined;
      return value === undefined ? [] : [value];
    });
  }

  median(place: Place): number | undefined {
    const values = this.all(place);
    return values.length === 0 ? undefined : median(values);
  }

  /** Medians of the quantiles of round trips over all rounds. */
  quantilesUs(place: Omit<Place, "figure">): number[] {
    const rounds = this.#of(place).flatMap(({ outcome }) =>
      "figures" in outcome && outcome.quantilesUs !== undefined ? [outcome.quantilesUs] : [],
    );
    return (rounds[0] ?? []).map((_, index) => median(rounds.map((quantiles) => quantiles[index] ?? Number.NaN)));
  }

  /** Why there is no figure, if anything is known of it. */
  why(place: Omit<Place, "figure">): string | undefined {
    for (const { outcome } of this.#of(place)) {
      if ("cannot" in outcome) return "cannot";
      if ("failed" in outcome) return "failed";
    }
    return undefined;
  }

  /** Where a section was measured, in order. */
  points(section: string): number[] {
    const points = this.#samples.filter((sample) => sample.section === section).map(({ at }) => at);
    return [...new Set(points)].sort((a, b) => a - b);
  }

  /** What could not be measured or went wrong, once each. */
  remarks(): string[] {
    const remarks = this.#samples.flatMap(({ section, contestant, outcome }) => {
      if ("cannot" in outcome) return [`${contestant}, ${section}: cannot, for it ${outcome.cannot}.`];
      if ("skipped" in outcome) return [`${contestant}: ${outcome.skipped}.`];
      if ("failed" in outcome) return [`${contestant}, ${section}: failed (${outcome.failed}).`];
      return [];
    });
    return [...new Set(remarks)];
  }

  #of({ section, at, contestant }: Omit<Place, "figure">): Sample[] {
    return this.#samples.filter(
      (sample) => sample.section === section && sample.at === at && sample.contestant === contestant,
    );
  }
}
