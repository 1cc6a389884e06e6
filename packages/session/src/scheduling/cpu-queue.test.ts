import { expect, test } from "vitest";
import { noteArrival, runQueued } from "./cpu-queue.js";

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

test("runs two hundred entries in order, one in each macrotask", async () => {
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

test("lets other work run between two entries", async () => {
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

test("rejects an entry that throws, and runs those behind it", async () => {
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

test("rejects cancelled entries without using a macrotask for them", async () => {
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

test("continues when every entry was cancelled", async () => {
  const left = runQueued(
    () => 1,
    () => true,
  );
  await expect(left).rejects.toMatchObject({ code: "IPC_ABORTED" });
  await turn();
  expect(await runQueued(() => 2)).toBe(2);
});

test("runs work that is queued during other work, or when the queue was empty", async () => {
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

test("finishes handshakes in progress before it starts others that were queued first", async () => {
  const done: string[] = [];
  const never = (): boolean => false;
  const start = (name: string): Promise<number> => runQueued(() => done.push(name));
  const finish = (name: string): Promise<number> => runQueued(() => done.push(name), never, "finish");
  await Promise.all([start("start a"), start("start b"), finish("finish c"), finish("finish d")]);
  expect(done).toEqual(["finish c", "finish d", "start a", "start b"]);
});

test("lets the event loop accept four connections before each start, as long as there are any", async () => {
  const turns = countTurns();
  const at: number[] = [];
  let arriving: NodeJS.Immediate | undefined;
  const accept = (): void => {
    noteArrival();
    arriving = setImmediate(accept);
  };
  accept();
  await Promise.all(Array.from({ length: 3 }, () => runQueued(() => at.push(turns.now()))));
  clearImmediate(arriving);
  const [first = 0, second = 0, third = 0] = at;
  expect([second - first, third - second]).toEqual([5, 5]);
  await turn();
  await Promise.all([runQueued(() => at.push(turns.now())), runQueued(() => at.push(turns.now()))]);
  turns.stop();
  expect((at[4] ?? 0) - (at[3] ?? 0)).toBe(1);
});

test("finishes handshakes in progress however many connections arrive", async () => {
  noteArrival();
  const done: string[] = [];
  const start = runQueued(() => done.push("start"));
  await runQueued(
    () => done.push("finish"),
    () => false,
    "finish",
  );
  expect(done).toEqual(["finish"]);
  await start;
});
