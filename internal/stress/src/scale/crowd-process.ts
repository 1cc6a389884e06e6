// A process full of clients, started by Crowd. usage: crowd-process.js ADDRESS
import { serveCalls } from "../process/calls.js";
import { sum } from "../report/figure.js";
import { type ServerAddress, Visitor } from "./visitor.js";

/** The result of a call. */
export interface CrowdOutcome {
  /** Messages that came back right, or came at all. */
  readonly messages: number;
  /** Of `drain`: the same for each client, by the name that it sent. */
  readonly byName: Readonly<Record<string, number>>;
}

const address = JSON.parse(process.argv[2] ?? "") as ServerAddress;
let visitors: Visitor[] = [];

function nameOf(index: number): string {
  return `${process.pid}:${index}`;
}

function everyVisitor<T>(act: (visitor: Visitor, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(visitors.map(act));
}

function outcomeOf(counts: readonly number[]): CrowdOutcome {
  const byName = Object.fromEntries(counts.map((messages, index) => [nameOf(index), messages]));
  return { messages: sum(counts), byName };
}

/** Runs `act` for 0 … times-1, never more than `atOnce` at a time. */
async function severalAtOnce(times: number, atOnce: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < times) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(times, atOnce) }, lane));
}

const calls = {
  /** Connects so many more clients, `atOnce` of them at a time. Everything below is done by each of them. */
  async connect({ clients, atOnce }: { clients: number; atOnce: number }): Promise<CrowdOutcome> {
    await severalAtOnce(clients, atOnce, async () => {
      visitors.push(await Visitor.connect(address, false));
    });
    return outcomeOf([]);
  },

  /** Sends a message and waits for its echo, again and again. */
  async echo(messages: number): Promise<CrowdOutcome> {
    return outcomeOf(await everyVisitor((visitor) => visitor.echo(messages)));
  },

  /** Sends messages as fast as they are taken, and reads their echoes. */
  async flood({ messages, bytes }: { messages: number; bytes: number }): Promise<CrowdOutcome> {
    return outcomeOf(await everyVisitor((visitor) => visitor.flood(messages, bytes)));
  },

  /** Sends messages for ever, and reads nothing. Resolves when nothing more is taken from the server either. */
  async stall(bytes: number): Promise<CrowdOutcome> {
    await everyVisitor((visitor) => visitor.stall(bytes));
    return outcomeOf([]);
  },

  /** Sends its name, then messages for ever, and reads nothing before `drain`. */
  async load(bytes: number): Promise<CrowdOutcome> {
    await everyVisitor((visitor, index) => visitor.load(nameOf(index), bytes));
    return outcomeOf([]);
  },

  /** Reads what it was sent until the server ends the connection, and counts it. */
  async drain(): Promise<CrowdOutcome> {
    const outcome = outcomeOf(await everyVisitor((visitor) => visitor.drain()));
    visitors = [];
    return outcome;
  },

  /** Clients that come, echo and go: so many, `atOnce` of them at a time, every other one with `multiClient`. */
  async visit({ visits, atOnce }: { visits: number; atOnce: number }): Promise<CrowdOutcome> {
    const echoes: number[] = [];
    await severalAtOnce(visits, atOnce, async (index) => {
      const visitor = await Visitor.connect(address, index % 2 === 1);
      echoes.push(await visitor.echo(1));
      await visitor.close();
    });
    return outcomeOf(echoes);
  },

  async close(): Promise<CrowdOutcome> {
    await everyVisitor((visitor) => visitor.close());
    visitors = [];
    return outcomeOf([]);
  },
};

export type CrowdCalls = typeof calls;

serveCalls(calls, () => visitors.length === 0);
