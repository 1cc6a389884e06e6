import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "@ipc/client";
import { clockUs } from "../processor-time.js";
import { median } from "../quantile.js";
import type { NatsConnection } from "./nats-package.js";
import type { BrokerPlace } from "./place.js";
import { SUBJECT, TYPE } from "./protocol.js";

/** Bytes that are written before the next iteration of the event loop. */
const BATCH_BYTES = 65_536;

/** One way to the server and back. */
export interface Contestant {
  ask(data: Uint8Array): Promise<unknown>;
  /** Resolves when the next message may be sent. */
  send(data: Uint8Array, isLastOfBatch: boolean): Promise<unknown> | undefined;
  /** How many messages that were sent have arrived. */
  count(): Promise<number>;
}

/** A figure of both, in each round. */
export interface Duel {
  readonly bare: readonly number[];
  readonly ours: readonly number[];
}

export interface Work {
  readonly bytes: number;
  readonly messages: number;
}

export function bareContestant(connection: NatsConnection): Contestant {
  return {
    ask: (data) => connection.request(SUBJECT.echo, data),
    send(data, isLastOfBatch) {
      connection.publish(SUBJECT.oneWay, data);
      return isLastOfBatch ? nextTurn() : undefined;
    },
    count: async () => Number((await connection.request(SUBJECT.count)).string()),
  };
}

export function ourContestant(client: Client): Contestant {
  let onAnswer = (_text: string): void => {};
  client.on("message", (message) => onAnswer(message.type === TYPE.count ? message.text() : ""));
  const ask = (type: number, data: Uint8Array): Promise<string> =>
    new Promise((resolve, reject) => {
      onAnswer = resolve;
      client.write(type, data).catch(reject);
    });
  return {
    ask: (data) => ask(TYPE.echo, data),
    send(data, isLastOfBatch) {
      const written = client.write(TYPE.oneWay, data);
      if (isLastOfBatch) return written;
      written.catch(() => {});
      return undefined;
    },
    count: async () => Number(await ask(TYPE.count, new Uint8Array())),
  };
}

/** Returns the median round trip in microseconds, and the processor time of one on all sides. */
export async function measureRoundTrips(
  place: BrokerPlace,
  contestant: Contestant,
  { bytes, messages }: Work,
): Promise<{ readonly us: number; readonly cpuUs: number }> {
  const data = new Uint8Array(bytes);
  const times: number[] = [];
  const cpuBefore = await place.cpuUs();
  for (let sent = 0; sent < messages; sent++) {
    const from = clockUs();
    await contestant.ask(data);
    times.push(clockUs() - from);
  }
  return { us: median(times), cpuUs: ((await place.cpuUs()) - cpuBefore) / messages };
}

/** Returns how many messages a second arrive, and the processor time of one on all sides. */
export async function measureOneWay(
  place: BrokerPlace,
  contestant: Contestant,
  { bytes, messages }: Work,
): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  const data = new Uint8Array(bytes);
  const batch = Math.ceil(BATCH_BYTES / bytes);
  const before = await contestant.count();
  const cpuBefore = await place.cpuUs();
  const from = clockUs();
  for (let sent = 1; sent <= messages; sent++) {
    const ready = contestant.send(data, sent % batch === 0);
    if (ready !== undefined) await ready;
  }
  const arrived = (await contestant.count()) - before;
  const seconds = (clockUs() - from) / 1_000_000;
  if (arrived !== messages) throw new Error(`${arrived} of ${messages} messages arrived`);
  return { perSecond: messages / seconds, cpuUs: ((await place.cpuUs()) - cpuBefore) / messages };
}
