// A process full of clients, started by Crowd. usage: crowd-process.js ADDRESS
import { serveCalls } from "../process/calls.js";
import { sum } from "../report/figure.js";
import { type ServerAddress, Visitor } from "./visitor.js";

const address = JSON.parse(process.argv[2] ?? "") as ServerAddress;
let visitors: Visitor[] = [];

function nameOf(index: number): string {
  return `${process.pid}:${index}`;
}

function everyVisitor<T>(act: (visitor: Visitor, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(visitors.map(act));
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
  async connect({ clients, atOnce }: { clients: number; atOnce: number }): Promise<void> {
    await severalAtOnce(clients, atOnce, async () => {
      visitors.push(await Visitor.connect(address, false));
    });
  },

  /** Sends a message and waits for its echo, again and again. Resolves with how many came back right. */
  async echo(messages: number): Promise<number> {
    return sum(await everyVisitor((visitor) => visitor.echo(messages)));
  },

  /** Sends messages as fast as they are taken, and reads their echoes. Resolves with how many came. */
  async flood({ messages, bytes }: { messages: number; bytes: number }): Promise<number> {
    return sum(await everyVisitor((visitor) => visitor.flood(messages, bytes)));
  },

  /** Sends messages for ever, and reads nothing. Resolves when nothing more is taken from the server either. */
  async stall(bytes: number): Promise<void> {
    await everyVisitor((visitor) => visitor.stall(bytes));
  },

  /** Sends its name, then messages for ever, and reads nothing before `drain`. */
  async load(bytes: number): Promise<void> {
    await everyVisitor((visitor, index) => visitor.load(nameOf(index), bytes));
  },

  /** Reads what it was sent until the server ends the connection. Resolves with how many messages came, by name. */
  async drain(): Promise<Record<string, number>> {
    const counts = await everyVisitor(async (visitor, index) => [nameOf(index), await visitor.drain()] as const);
    visitors = [];
    return Object.fromEntries(counts);
  },

  /** Clients that come, echo and go, `atOnce` of them at a time, every other one with `multiClient`. Resolves with the echoes. */
  async visit({ visits, atOnce }: { visits: number; atOnce: number }): Promise<number> {
    const echoes: number[] = [];
    await severalAtOnce(visits, atOnce, async (index) => {
      const visitor = await Visitor.connect(address, index % 2 === 1);
      echoes.push(await visitor.echo(1));
      await visitor.close();
    });
    return sum(echoes);
  },

  async close(): Promise<void> {
    await everyVisitor((visitor) => visitor.close());
    visitors = [];
  },
};

export type CrowdCalls = typeof calls;

serveCalls(calls, () => visitors.length === 0);
