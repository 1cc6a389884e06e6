import { expect, it } from "vitest";
import { nextTurn } from "../../test/held-sender.js";
import { WriteTurn } from "./write-turn.js";

/** Notes the names of the connections in the order in which they go on. */
function waitAs(name: string, came: string[], current?: WriteTurn): WriteTurn {
  const turn = WriteTurn.take(current);
  void turn.promise.then(() => came.push(name));
  return turn;
}

it("lets eight connections go on in a macrotask, in the order in which they came", async () => {
  const came: string[] = [];
  const names = Array.from({ length: 20 }, (_, at) => `connection ${at}`);
  for (const name of names) waitAs(name, came);
  expect(came).toEqual([]);
  for (const count of [8, 16, 20]) {
    await nextTurn();
    expect(came).toEqual(names.slice(0, count));
  }
});

it("puts a connection that has had its turn behind those that wait", async () => {
  const came: string[] = [];
  const first = waitAs("first", came);
  for (let at = 1; at < 12; at++) waitAs("other", came);
  await nextTurn();
  came.length = 0;
  expect(waitAs("first again", came, first)).not.toBe(first);
  await nextTurn();
  expect(came).toEqual(["other", "other", "other", "other", "first again"]);
});

it("gives a connection one place, however many of its writes wait", async () => {
  const came: string[] = [];
  let turn: WriteTurn | undefined;
  for (let write = 0; write < 100; write++) turn = waitAs("one", came, turn);
  waitAs("other", came);
  await nextTurn();
  expect(came).toHaveLength(101);
  expect(came.at(-1)).toBe("other");
});
