import { method, stream } from "@ipc/rpc";

export const NAME = "example_calls";

export interface Order {
  readonly id: number;
  readonly total: number;
}

/** The methods of the daemon. A real program would validate with the schemas of zod, valibot or arktype: `method({ input, … })`. */
export const orders = {
  get: method<{ id: number }, Order, { NOT_FOUND: { id: number } }>({ idempotent: true }),
  watch: stream<{ above: number }, Order>(),
  upload: stream<void, never, { count: number; sum: number }, Order>(),
  startReading: method<void, void>(),
  report: method<{ title: string }, string>(),
  think: method<void, string>(),
};

/** The methods of a client: the daemon calls them. */
export const screen = { show: method<{ text: string }, string>() };
