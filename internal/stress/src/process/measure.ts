// A process that measures: calls the function `measure` of a module of this package, in a place of its own. usage: measure.js MODULE
import { serveCalls } from "./calls.js";
import { Place } from "./place.js";

const [module = ""] = process.argv.slice(2);
const { measure } = (await import(`../${module}.js`)) as {
  readonly measure: (order: unknown, place: Place) => Promise<unknown>;
};

const calls = {
  measure: (order: unknown): Promise<unknown> => Place.lend((place) => measure(order, place)),
};

export type MeasureCalls = typeof calls;

serveCalls(calls);
