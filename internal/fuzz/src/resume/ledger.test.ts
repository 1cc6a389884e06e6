import { expect, it } from "vitest";
import { type Entry, Ledger } from "./ledger.js";

const WRITER = 4;
const READER = 5;

/** A direction in which so many messages were written and accepted, and the first ones taken. */
function written(messages: number, taken = 0): { ledger: Ledger; entries: readonly Entry[] } {
  const ledger = new Ledger("to the server");
  const entries = Array.from({ length: messages }, () => ledger.write(WRITER));
  for (const entry of entries) ledger.settle(entry, "accepted");
  for (const entry of entries.slice(0, taken)) ledger.take(entry, READER);
  return { ledger, entries };
}

const at = (entries: readonly Entry[], index: number): Entry => entries[index] as Entry;

it("misses the accepted messages that were not taken", () => {
  const { ledger } = written(3, 2);
  expect(ledger.missing).toEqual([`message 2 of process ${WRITER}`]);
});

it("rejects a message that is taken twice, out of order, or was never written", () => {
  const { ledger, entries } = written(3, 2);
  expect(() => ledger.take(at(entries, 1), READER)).toThrow("was taken twice");
  expect(() => ledger.take({ process: WRITER, number: 3 }, READER)).toThrow("was never written");
  const gap = written(3);
  gap.ledger.take(at(gap.entries, 1), READER);
  expect(() => gap.ledger.take(at(gap.entries, 0), READER)).toThrow("was taken after message 1");
});

it("rejects a write that calls a message taken that was not", () => {
  const { ledger, entries } = written(2, 1);
  expect(() => ledger.assertTaken(at(entries, 0))).not.toThrow();
  expect(() => ledger.assertTaken(at(entries, 1))).toThrow("was not taken when its write said so");
});

it("expects neither undelivered nor uncertain messages any more, and uncertain ones only if the count was not proved", () => {
  for (const [isExact, missing] of [
    [false, []],
    [true, [`message 1 of process ${WRITER}`]],
  ] as const) {
    const { ledger, entries } = written(4, 1);
    ledger.lose(WRITER, { undelivered: entries.slice(2), unconfirmed: 1, isExact });
    expect(ledger.missing).toEqual(missing);
    ledger.take(at(entries, 1), READER);
    expect(() => ledger.take(at(entries, 2), READER)).toThrow("its writer was told that it had not arrived");
  }
});

it("rejects a loss in which an accepted message is missing, or that has one too many, or in another order", () => {
  const lose = (undelivered: readonly number[], unconfirmed: number) => () => {
    const { ledger, entries } = written(4, 1);
    ledger.lose(WRITER, { undelivered: undelivered.map((index) => at(entries, index)), unconfirmed, isExact: false });
  };
  expect(lose([2, 3], 1)).not.toThrow();
  expect(lose([2], 1)).toThrow("message 3 of process 4 was accepted, and is not among those lost");
  expect(lose([3, 2], 1)).toThrow("message 2 of process 4 is lost out of order");
  expect(lose([2, 3], 0)).toThrow("message 1 of process 4 is neither lost nor uncertain, and was not taken");
  expect(lose([0, 1, 2, 3], 0)).toThrow("message 0 of process 4 was taken, and is called lost");
});

it("counts neither a rejected write nor what was told before as lost", () => {
  const { ledger, entries } = written(4, 1);
  ledger.settle(at(entries, 3), "rejected");
  ledger.lose(WRITER, { undelivered: [at(entries, 2)], unconfirmed: 1, isExact: false });
  const next = ledger.write(WRITER);
  ledger.settle(next, "accepted");
  expect(() => ledger.lose(WRITER, { undelivered: [at(entries, 2)], unconfirmed: 0, isExact: false })).toThrow(
    "not accepted",
  );
});

it("lets each of several readers take in order, and a message only one of them", () => {
  const { ledger, entries } = written(4);
  ledger.take(at(entries, 2), READER + 1);
  ledger.take(at(entries, 0), READER);
  expect(() => ledger.take(at(entries, 2), READER)).toThrow("was taken twice");
  expect(() => ledger.take(at(entries, 1), READER + 1)).toThrow("was taken after message 2");
});

it("expects what a writer that has closed had written, until its reader is gone", () => {
  const { ledger, entries } = written(2, 1);
  ledger.close(WRITER);
  expect(ledger.missing).toEqual([`message 1 of process ${WRITER}`]);
  ledger.forgetUnread();
  expect(ledger.missing).toEqual([]);
  expect(() => ledger.take(at(entries, 1), READER)).not.toThrow();
});

it("expects what a killed writer was told before is received, and not what it was not told of", () => {
  const { ledger, entries } = written(2);
  ledger.lose(WRITER, { undelivered: entries.slice(1), unconfirmed: 1, isExact: true });
  ledger.settle(ledger.write(WRITER), "accepted");
  ledger.forget(WRITER);
  expect(ledger.missing).toEqual([`message 0 of process ${WRITER}`]);
});
