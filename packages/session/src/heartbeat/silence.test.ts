import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Due, type HeartbeatTicks, Silence } from "./silence.js";

/** The events up to a tick: bytes arrive, nothing does, or nothing does while this side does not read. */
type Happening = "bytes" | "quiet" | "paused";

function run(ticks: HeartbeatTicks, happenings: readonly Happening[]): Due[] {
  const silence = new Silence(ticks);
  silence.end(0);
  return happenings.map((happening) => {
    if (happening !== "bytes") return silence.tick(happening === "paused");
    silence.end(0);
    return "nothing";
  });
}

const times = (count: number, what: Happening): Happening[] => Array.from({ length: count }, () => what);
/** The due things with the number of their tick, from 1 up. */
const named = (dues: readonly Due[]): string[] =>
  dues.flatMap((due, index) => (due === "nothing" ? [] : [`${index + 1} ${due}`]));

describe("a silence, with a PING after 2 ticks", () => {
  it("is due a PING after each 2 ticks, is noticed 2 ticks after the third PING, and is due no further PING", () => {
    expect(named(run({ ping: 2, idle: 0 }, times(20, "quiet")))).toEqual(["2 ping", "4 ping", "6 ping", "8 silent"]);
  });

  it("starts again with each byte, also after it was noticed", () => {
    const quiet = (ticks: number) => times(ticks, "quiet");
    const happenings: Happening[] = [...quiet(7), "bytes", ...quiet(9), "bytes", ...quiet(2)];
    const dues = ["2 ping", "4 ping", "6 ping", "10 ping", "12 ping", "14 ping", "16 silent", "20 ping"];
    expect(named(run({ ping: 2, idle: 0 }, happenings))).toEqual(dues);
  });

  it("does not grow while this side does not read and still sends PINGs", () => {
    const happenings: Happening[] = [...times(7, "quiet"), ...times(6, "paused"), "quiet"];
    const pings = [2, 4, 6, 8, 10, 12].map((tick) => `${tick} ping`);
    expect(named(run({ ping: 2, idle: 8 }, happenings))).toEqual([...pings, "14 idle"]);
  });

  it("ends the connection after the idle time, noticed or not", () => {
    expect(named(run({ ping: 2, idle: 5 }, times(5, "quiet")))).toEqual(["2 ping", "4 ping", "5 idle"]);
    expect(named(run({ ping: 1, idle: 5 }, times(5, "quiet")))).toEqual([
      "1 ping",
      "2 ping",
      "3 ping",
      "4 silent",
      "5 idle",
    ]);
  });
});

it("a silence without PINGs is never noticed, and ends the connection after the idle time", () => {
  expect(named(run({ ping: 0, idle: 3 }, times(3, "quiet")))).toEqual(["3 idle"]);
  expect(named(run({ ping: 0, idle: 0 }, times(99, "quiet")))).toEqual([]);
});

/** The rules as they are documented, each from all that has happened so far. */
function expected({ ping, idle }: HeartbeatTicks, happenings: readonly Happening[], before: readonly Due[]): Due {
  const last = happenings.at(-1);
  if (last === "bytes") return "nothing";
  const from = happenings.lastIndexOf("bytes") + 1;
  const length = happenings.slice(from).filter((happening) => happening === "quiet").length;
  const sincePing = happenings.length - Math.max(from, before.lastIndexOf("ping") + 1);
  const isNoticed = before.slice(from).includes("silent");
  if (last === "quiet" && idle > 0 && length >= idle) return "idle";
  if (last === "quiet" && isNoticed) return "nothing";
  if (last === "quiet" && ping > 0 && length >= 4 * ping) return "silent";
  return ping > 0 && sincePing >= ping ? "ping" : "nothing";
}

const schedules = record({
  ticks: record({ ping: integer({ min: 0, max: 4 }), idle: integer({ min: 0, max: 20 }) }),
  // Runs of equal happenings, because a silence is long.
  runs: array(
    record({
      what: constantFrom<Happening>("bytes", "quiet", "quiet", "paused"),
      count: integer({ min: 1, max: 20 }),
    }),
    { maxLength: 8 },
  ),
  isLong: boolean(),
});

it("a silence is due exactly the steps of the rules for any arrivals and any pauses of reading", () => {
  assert(
    property(schedules, ({ ticks, runs, isLong }) => {
      const happenings = runs.flatMap(({ what, count }) => times(isLong ? count : 1, what));
      const dues = run(ticks, happenings);
      for (const [index, due] of dues.entries()) {
        expect(due).toBe(expected(ticks, happenings.slice(0, index + 1), dues.slice(0, index)));
      }
    }),
    { numRuns: 2_000 },
  );
});

it("a silence is noticed only after three PINGs since the last byte", () => {
  assert(
    property(schedules, ({ ticks, runs }) => {
      const happenings = runs.flatMap(({ what, count }) => times(count, what));
      const dues = run(ticks, happenings);
      for (const [index, due] of dues.entries()) {
        if (due !== "silent") continue;
        const since = dues.slice(happenings.slice(0, index).lastIndexOf("bytes") + 1, index);
        expect(since.filter((earlier) => earlier === "ping").length).toBeGreaterThanOrEqual(3);
      }
    }),
    { numRuns: 2_000 },
  );
});
