import { expect, it } from "vitest";
import { READING_STYLES } from "../traffic/traffic.js";
import { FAULTS, type FaultPlan, LANES } from "./fault-plan.js";
import { makePlan } from "./plan-maker.js";

const plans = Array.from({ length: 2_000 }, (_, seed) => makePlan(seed));
const faultsOf = ({ connections }: FaultPlan) => connections.flatMap(({ fault }) => fault ?? []);
const all = <T>(values: readonly T[]): Set<T> => new Set(values);

it("makes the same plan from the same seed, and different ones from different seeds", () => {
  expect(makePlan(17)).toEqual(makePlan(17));
  expect(all(plans.map((plan) => JSON.stringify(plan))).size).toBe(plans.length);
});

it("uses each pair of transport and wire in turn", () => {
  plans.forEach(({ transport, wire }, seed) => {
    expect({ transport, wire }).toEqual(LANES[seed % LANES.length]);
  });
});

it("plans every fault, shape, finale and way to read", () => {
  expect(all(plans.flatMap(faultsOf).map(({ kind }) => kind))).toEqual(all(FAULTS));
  const shapes = plans.flatMap(({ connections }) => connections.flatMap((one) => Object.values(one.shapes)));
  const kinds = ["as they come", "delay", "split", "coalesce", "throttle", "pause"];
  expect(all(shapes.map(({ kind }) => kind))).toEqual(all(kinds));
  expect(all(plans.map(({ finale }) => `${finale.kind} ${finale.first}`)).size).toBe(9);
  const readers = plans.flatMap(({ peers }) => [peers.server.reading, peers.client.reading]);
  expect(all(readers)).toEqual(all(READING_STYLES));
});

it("plans no altered byte without encryption", () => {
  const plain = plans.filter(({ wire }) => wire === "plain");
  expect(plain.flatMap(faultsOf).filter(({ kind }) => kind === "flip")).toEqual([]);
});

it("ends with a connection without a fault, or with a fault that lasts", () => {
  for (const { finale, connections } of plans) {
    const last = connections.at(-1);
    if (finale.kind === "finish") expect(last?.fault).toBeUndefined();
    else expect(last?.fault).toMatchObject({ lingerMs: undefined });
    const others = connections.slice(0, -1);
    expect(others.filter(({ fault }) => fault?.lingerMs === undefined)).toEqual([]);
  }
});

it("places a third of the faults in the handshake", () => {
  const places = plans.filter(({ wire }) => wire === "secure").flatMap(faultsOf);
  const early = places.filter(({ direction, at }) => at < (direction === "toServer" ? 159 : 231));
  expect(early.length / places.length).toBeGreaterThan(0.3);
  expect(early.length / places.length).toBeLessThan(0.4);
});
