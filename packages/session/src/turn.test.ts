import { expect, test } from "vitest";
import { inItsTurn } from "./turn.js";

/** Resolves in the loop's next turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts the turns of the event loop until the test is over. */
function countTurns(): { readonly now: () => number; readonly stop: () => void } {
  let turns = 0;
  let immediate: NodeJS.Immediate;
  const next = (): void => {
    turns++;
    immediate = setImmediate(next);
  };
  immediate = setImmediate(next);
  return { now: () => turns, stop: () => clearImmediate(immediate) };
}

test("two hundred are done in order, never two in one turn of the loop", async () => {
  const turns = countTurns();
  const done: number[] = [];
  const at: number[] = [];
  const all = Array.from({ length: 200 }, (_, index) =>
    inItsTurn(() => {
      done.push(index);
      at.push(turns.now());
      return index;
    }),
  );
  expect(done).toEqual([]);
  const order = Array.from({ length: 200 }, (_, index) => index);
  expect(await Promise.all(all)).toEqual(order);
  turns.stop();
  expect(done).toEqual(order);
  expect(new Set(at).size).toBe(200);
});

test("timers and other work come between two of them", async () => {
  const said: string[] = [];
  const works = Array.from({ length: 3 }, (_, index) => inItsTurn(() => said.push(`work ${index}`)));
  for (let count = 0; count < 3; count++)
    void turn()
      .then(turn)
      .then(() => said.push("another"));
  await Promise.all(works);
  expect(said.indexOf("another")).toBeGreaterThan(0);
  expect(said.indexOf("another")).toBeLessThan(said.indexOf("work 2"));
});

test("one that fails rejects alone; those behind it are done", async () => {
  const failure = new Error("no point of the curve");
  const outcomes = await Promise.allSettled([
    inItsTurn(() => 1),
    inItsTurn(() => {
      throw failure;
    }),
    inItsTurn(() => 3),
  ]);
  expect(outcomes).toEqual([
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: failure },
    { status: "fulfilled", value: 3 },
  ]);
});

test("what is asked for in the midst of another, or when all are done, has its turn too", async () => {
  const inner: Promise<string>[] = [];
  const said: string[] = [];
  await inItsTurn(() => {
    said.push("outer");
    inner.push(
      inItsTurn(() => {
        said.push("inner");
        return "done";
      }),
    );
  });
  expect(await inner[0]).toBe("done");
  await turn();
  await inItsTurn(() => said.push("later"));
  expect(said).toEqual(["outer", "inner", "later"]);
});
