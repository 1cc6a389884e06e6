import type { Figures, Place } from "./results.js";

/** The limit of a ratio, or of a figure by itself. */
export interface Target {
  readonly what: string;
  /** Undefined where one of the two was not measured. */
  readonly value: number | undefined;
  readonly limit: number;
  readonly sense: "at least" | "at most";
  readonly unit: "" | "KiB" | "ms";
}

const MODES = ["plain", "compatible", "secure"] as const;
const LIBRARIES = ["node-ipc", "zeromq", "ws", "vscode-jsonrpc", "child_process"];
const KIB = 1_024;

export function isMet({ value, limit, sense }: Target): boolean | undefined {
  if (value === undefined) return undefined;
  return sense === "at least" ? value >= limit : value <= limit;
}

/** Returns the library's targets, with their results. */
export function targetsOf(figures: Figures): Target[] {
  const exchange = (contestant: string, figure: string, at = 64): Place => ({
    section: "exchange",
    at,
    contestant,
    figure,
  });
  const ratio = (what: string, over: Place, under: Place, limit: number): Target => ({
    what,
    value: figures.ratio(over, under),
    limit,
    sense: "at least",
    unit: "",
  });
  const atMost = (target: Target): Target => ({ ...target, sense: "at most" });
  const awaited = (contestant: string): Place => exchange(contestant, "awaited");
  const free = (contestant: string, at = 64): Place => exchange(contestant, "when it must", at);
  const p50 = (contestant: string): Place => exchange(contestant, "p50Us");
  const rate = (place: Place): number => figures.median(place) ?? 0;
  const peers = LIBRARIES.flatMap((name) => [awaited(name), free(name)]);
  const best = peers.reduce((fastest, place) => (rate(place) > rate(fastest) ? place : fastest));
  const golang = "golang-ipc encrypted";
  return [
    ratio("one way 64 B, secure session ÷ golang-ipc encrypted", awaited("secure"), awaited(golang), 20),
    ratio("one way 64 B, secure session ÷ our plaintext", awaited("secure"), awaited("plain"), 0.9),
    ratio("one way 64 B, plaintext ÷ bare loop, every write awaited", awaited("plain"), free("bare loop"), 0.9),
    ratio("the same, writes awaited only when they have to wait", free("plain"), free("bare loop"), 1),
    ratio("one way 64 B, secure session ÷ best peer library, in its best manner", awaited("secure"), best, 5),
    ratio("one way 64 KiB, plaintext ÷ bare loop", free("plain", 64 * KIB), free("bare loop", 64 * KIB), 0.85),
    ratio("one way 1 MiB, plaintext ÷ bare loop", free("plain", KIB * KIB), free("bare loop", KIB * KIB), 0.85),
    ...[64 * KIB, KIB * KIB].flatMap((at) => {
      const what = `one way ${at === KIB * KIB ? "1 MiB" : "64 KiB"}, secure session ÷`;
      return [
        ratio(`${what} our plaintext`, free("secure", at), free("plain", at), 0.42),
        ratio(`${what} compatible mode`, free("secure", at), free("compatible", at), 1),
      ];
    }),
    atMost(ratio("ping-pong 64 B p50, plaintext ÷ bare loop", p50("plain"), p50("bare loop"), 1.15)),
    atMost(ratio("ping-pong 64 B p50, secure session ÷ golang-ipc encrypted", p50("secure"), p50(golang), 1.3)),
    atMost(ratio("the same with `busyPollUs: 100`", p50("secure, polling"), p50(golang), 0.45)),
    ...[0, 1].map((busyCores) => {
      const p99 = (contestant: string): Place => ({ section: "tails", at: busyCores, contestant, figure: "p99Us" });
      const where = busyCores === 0 ? "on a quiet machine" : "beside a busy core";
      return atMost(ratio(`ping-pong 64 B p99 ${where}, secure session ÷ ws`, p99("secure"), p99("ws"), 1.5));
    }),
    ratio("one way 64 B, compatible mode ÷ golang-ipc encrypted", awaited("compatible"), awaited(golang), 1.3),
    ...["fan-in", "fan-in, 8 processes"].flatMap((section) =>
      MODES.map((contestant) => {
        const fanIn = (at: number): Place => ({ section, at, contestant, figure: "perSecond" });
        const what = section.replace("fan-in", "fan-in messages/s");
        return ratio(`${what}, 1 000 clients ÷ 10 clients, ${contestant}`, fanIn(1_000), fanIn(10), 0.7);
      }),
    ),
    ...MODES.map((mode): Target => {
      const points = figures.points("crowd");
      const hasFailed = points.some((at) => figures.why({ section: "crowd", at, contestant: mode }) === "failed");
      const sizes = points.map((at) => figures.median({ section: "crowd", at, contestant: mode, figure: "heapBytes" }));
      // The easy one alone is not enough.
      const worst = hasFailed ? undefined : greatest(sizes);
      const value = worst === undefined ? undefined : worst / KIB;
      return { what: `heap of an idle connection, ${mode}`, value, limit: 12, sense: "at most", unit: "KiB" };
    }),
    ...MODES.flatMap((mode) =>
      (["writer", "reader"] as const).map((end): Target => {
        const place = { section: "loop delay", at: 64, contestant: mode, figure: `${end}Ms` };
        const what = `greatest event-loop delay of the ${end}, ${mode}`;
        return { what, value: figures.median(place), limit: 15, sense: "at most", unit: "ms" };
      }),
    ),
    ...MODES.map((mode): Target => {
      const place = { section: "full queue", at: KIB, contestant: mode, figure: "isTold" };
      const what = `a writer that never waits is told IPC_QUEUE_FULL, ${mode} (1: yes)`;
      return { what, value: figures.median(place), limit: 1, sense: "at least", unit: "" };
    }),
  ];
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
