// A process full of clients, forked by Crowd. usage: crowd-process.js PLACE
import type { Answer, Order, Outcome, Place } from "./crowd-orders.js";
import { Visitor } from "./visitor.js";

const place = JSON.parse(process.argv[2] ?? "") as Place;
const visitors: Visitor[] = [];

async function carryOut(order: Order): Promise<Outcome> {
  switch (order.kind) {
    case "connect":
      await severalAtOnce(order.clients, order.atOnce, async () => {
        visitors.push(await Visitor.connect(place, false));
      });
      return nothing();
    case "echo":
      return sum(await everyone((visitor) => visitor.echo(order.messages)));
    case "flood":
      return sum(await everyone((visitor) => visitor.flood(order.messages, order.bytes)));
    case "stall":
      await everyone((visitor) => visitor.stall(order.bytes));
      return nothing();
    case "load":
      await everyone((visitor, index) => visitor.load(nameOf(index), order.bytes));
      return nothing();
    case "drain": {
      const counts = await everyone((visitor) => visitor.drain());
      visitors.length = 0;
      return { ...sum(counts), byName: Object.fromEntries(counts.map((count, index) => [nameOf(index), count])) };
    }
    case "visit": {
      const echoes: number[] = [];
      await severalAtOnce(order.visits, order.atOnce, async (index) => {
        const visitor = await Visitor.connect(place, index % 2 === 1);
        echoes.push(await visitor.echo(1));
        await visitor.close();
      });
      return sum(echoes);
    }
    case "close":
      await everyone((visitor) => visitor.close());
      visitors.length = 0;
      return nothing();
  }
}

function nameOf(index: number): string {
  return `${process.pid}:${index}`;
}

function everyone<T>(act: (visitor: Visitor, index: number) => Promise<T>): Promise<T[]> {
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

function sum(counts: readonly number[]): Outcome {
  return { messages: counts.reduce((total, count) => total + count, 0), byName: {} };
}

function nothing(): Outcome {
  return sum([]);
}

function answer(answered: Answer): void {
  process.send?.(answered);
}

process.on("message", (order: Order) => {
  carryOut(order).then(
    (outcome) => answer({ outcome }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// The process that gave the orders has gone, so that this one has to end itself.
process.once("disconnect", () => process.exit());
answer({ outcome: nothing() });
