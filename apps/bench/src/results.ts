import type { Profile } from "./profile.js";
import { median, medians } from "./quantile.js";
import type { Sample } from "./schedule.js";
import type { SystemCalls } from "./system-calls.js";

/** Everything that one run has found out: the document is made of nothing else. */
export interface Results {
  readonly machine: string;
  readonly isQuick: boolean;
  /** How often most figures were measured; unknown of an old run. */
  readonly rounds?: number;
  readonly minutes: number;
  /** Share of the processors' time that other machines on the same host took meanwhile, 0 … 1. Undefined: not known here. */
  readonly stolen?: number | undefined;
  readonly contestants: readonly { readonly name: string; readonly what: string }[];
  readonly notRun: readonly { readonly name: string; readonly why: string }[];
  readonly samples: readonly Sample[];
  /** This and the next: undefined where they were not asked for. */
  readonly systemCalls?: SystemCalls | undefined;
  readonly profiles?: readonly WorkProfile[] | undefined;
  /** Sections that were measured anew, and when: the others are of the run as a whole. */
  readonly renewed?: Readonly<Record<string, string>> | undefined;
  /** The results of the targets in the full run that was recorded before. */
  readonly before?: RunBefore | undefined;
}

/** The profile of a work's time. */
export interface WorkProfile extends Profile {
  /** For the reader. */
  readonly work: string;
}

/** The part of a run that is left when the next one is recorded. */
export interface RunBefore {
  readonly machine: string;
  readonly stolen?: number | undefined;
  /** By what a target says. */
  readonly values: Readonly<Record<string, number>>;
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
  all(place: Place): number[] {
    return [...this.#byRound(place).values()];
  }

  /** Divides within each round, because most of the machine's other load falls on both of a round. None where there is none. */
  ratios(over: Place, under: Place): Map<number, number> {
    const lower = this.#byRound(under);
    const ratios = [...this.#byRound(over)].map(([round, value]): [number, number] => [
      round,
      value / (lower.get(round) ?? Number.NaN),
    ]);
    return new Map(ratios.filter(([, ratio]) => Number.isFinite(ratio)));
  }

  /** The median of the ratios of all rounds. */
  ratio(over: Place, under: Place): number | undefined {
    const known = [...this.ratios(over, under).values()];
    return known.length === 0 ? undefined : median(known);
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
    return medians(rounds);
  }

  /** Whether in half of the rounds, or more, the warm-up of a figure did not settle. */
  isUnsettled({ figure, ...place }: Place): boolean {
    const measured = this.#of(place).flatMap(({ outcome }) => ("figures" in outcome ? [outcome] : []));
    const unsettled = measured.filter((outcome) => outcome.unsettled?.includes(figure));
    return unsettled.length > 0 && 2 * unsettled.length >= measured.length;
  }

  /** Why there is no figure, if anything is known of it. */
  why(place: Omit<Place, "figure">): string | undefined {
    for (const { outcome } of this.#of(place)) {
      if ("cannot" in outcome) return "cannot";
      if ("failed" in outcome) return "failed";
    }
    return undefined;
  }

  /** Returns the points at which a section was measured, in order. */
  points(section: string): number[] {
    const points = this.#samples.filter((sample) => sample.section === section).map(({ at }) => at);
    return [...new Set(points)].sort((a, b) => a - b);
  }

  /** Returns the failures and the missing measurements, once each. */
  remarks(): string[] {
    const remarks = this.#samples.flatMap(({ section, contestant, outcome }) => {
      if ("cannot" in outcome) return [`${contestant}, ${section}: cannot, for it ${outcome.cannot}.`];
      if ("skipped" in outcome) return [`${contestant}: ${outcome.skipped}.`];
      if ("failed" in outcome) return [`${contestant}, ${section}: failed (${outcome.failed}).`];
      return [];
    });
    return [...new Set(remarks), ...this.#unsettledRemarks()];
  }

  #unsettledRemarks(): string[] {
    const sections = new Set(this.#samples.map(({ section }) => section));
    return [...sections].flatMap((name) => {
      const measured = this.#samples.flatMap(({ section, outcome }) =>
        section === name && "figures" in outcome ? [outcome] : [],
      );
      const all = measured.flatMap(({ figures }) => Object.keys(figures)).length;
      const unsettled = measured.flatMap((outcome) => outcome.unsettled ?? []).length;
      return unsettled === 0 ? [] : [`${name}: the warm-up of ${unsettled} of ${all} figures did not settle.`];
    });
  }

  #byRound({ figure, ...place }: Place): Map<number, number> {
    // A contestant that failed once has no figures, because the rounds that went well would flatter it.
    if (this.why(place) === "failed") return new Map();
    const values = this.#of(place).flatMap(({ round, outcome }): [number, number][] => {
      const value = "figures" in outcome ? outcome.figures[figure] : undefined;
      return value === undefined ? [] : [[round, value]];
    });
    return new Map(values);
  }

  #of({ section, at, contestant }: Omit<Place, "figure">): Sample[] {
    return this.#samples.filter(
      (sample) => sample.section === section && sample.at === at && sample.contestant === contestant,
    );
  }
}
