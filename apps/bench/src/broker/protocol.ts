/** The types of the messages over @ipc; the last part of the subjects over NATS alone. */
export const TYPE = { echo: 1, oneWay: 2, count: 3 } as const;
export const SUBJECT = { echo: "bare.echo", oneWay: "bare.one-way", count: "bare.count" } as const;
export const NAME = "bench";

/** The work of the server process so far. */
export interface ServerFigures {
  readonly cpuUs: number;
  /** Messages of the broker that it has got and sent. */
  readonly inMessages: number;
  readonly outMessages: number;
}
