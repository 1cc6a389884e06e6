import { expect, it } from "vitest";
import type { Contestant } from "./contestant.js";
import type { Order } from "./order.js";
import { measureAll } from "./schedule.js";
import type { Section } from "./section.js";

const ORDER: Order = { workload: "crowd", clients: 1, atOnce: 1 };
const SECTION: Section = { name: "crowd", points: [{ at: 1, rounds: 3, order: ORDER }] };

function contestant(name: string, measure: () => Promise<{ figures: Record<string, number> }>): Contestant {
  return { name, what: "", cannot: () => undefined, measure };
}

it("runs every contestant once in a round, and starts the next round with another", async () => {
  const order: string[] = [];
  const all = ["a", "b", "c"].map((name) =>
    contestant(name, async () => {
      order.push(name);
      return { figures: {} };
    }),
  );
  await measureAll([SECTION], all, () => {});
  expect(order.join("")).toBe("abcbcacab");
});

it("tells why there is no figure, and does not run a contestant again when it has failed", async () => {
  let tries = 0;
  const failing = contestant("a", () => {
    tries++;
    return Promise.reject(new Error("died"));
  });
  const unable = { ...failing, name: "b", cannot: () => ({ cannot: "has one client" }) };
  const samples = await measureAll([SECTION], [failing, unable], () => {});
  expect(tries).toBe(1);
  expect(samples.filter(({ contestant }) => contestant === "a").map(({ outcome }) => outcome)).toEqual(
    new Array(3).fill({ failed: "died" }),
  );
  expect(samples.find(({ contestant }) => contestant === "b")?.outcome).toEqual({ cannot: "has one client" });
});
