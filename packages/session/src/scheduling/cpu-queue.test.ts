import { expect, test } from "vitest";
import { runQueued } from "./cpu-queue.js";

/** Resolves in the next macrotask. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts the iterations of the event loop until the test is over. */
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

test("two hundred are done in order, never two in one macrotask", async () => {
  const turns = countTurns();
  const done: number[] = [];
  const at: number[] = [];
  const all = Array.from({ length: 200 }, (_, index) =>
    runQueued(() => {
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
  const works = Array.from({ length: 3 }, (_, index) => runQueued(() => said.push(`work ${index}`)));
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
    runQueued(() => 1),
    runQueued(() => {
      throw failure;
    }),
    runQueued(() => 3),
  ]);
  expect(outcomes).toEqual([
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: failure },
    { status: "fulfilled", value: 3 },
  ]);
});

test("work that is no longer wanted takes no macrotask, and rejects", async () => {
  const turns = countTurns();
  const done: string[] = [];
  const first = runQueued(() => {
    done.push("first");
    return turns.now();
  });
  let isOver = false;
  const left = Array.from({ length: 200 }, () =>
    runQueued(
      () => done.push("one that left"),
      () => isOver,
    ),
  );
  const last = runQueued(() => {
    done.push("last");
    return turns.now();
  });
  isOver = true;
  const outcomes = await Promise.allSettled(left);
  expect(await last).toBe((await first) + 1);
  turns.stop();
  expect(done).toEqual(["first", "last"]);
  expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
  await expect(left[0]).rejects.toMatchObject({ code: "IPC_ABORTED" });
});

test("it goes on when all of them have left", async () => {
  const left = runQueued(
    () => 1,
    () => true,
  );
  await expect(left).rejects.toMatchObject({ code: "IPC_ABORTED" });
  await turn();
  expect(await runQueued(() => 2)).toBe(2);
});

test("work that is queued during other work, or when all is done, runs too", async () => {
  const inner: Promise<string>[] = [];
  const said: string[] = [];
  await runQueued(() => {
    said.push("outer");
    inner.push(
      runQueued(() => {
        said.push("inner");
        return "done";
      }),
    );
  });
  expect(await inner[0]).toBe("done");
  await turn();
  await runQueued(() => said.push("later"));
  expect(said).toEqual(["outer", "inner", "later"]);
});

test("what ends comes before all that begins, also where that was asked for first", async () => {
  const done: string[] = [];
  const never = (): boolean => false;
  const begin = (name: string): Promise<number> => runQueued(() => done.push(name));
  const end = (name: string): Promise<number> => runQueued(() => done.push(name), never, "finish");
  await Promise.all([begin("a begins"), begin("b begins"), end("c ends"), end("d ends")]);
  expect(done).toEqual(["c ends", "d ends", "a begins", "b begins"]);
});
