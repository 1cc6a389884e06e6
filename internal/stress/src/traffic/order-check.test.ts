import { expect, it } from "vitest";
import type { Numbered } from "./message.js";
import { OrderCheck } from "./order-check.js";

const message = (connection: number, number: number): Numbered => ({
  seed: 1,
  from: "client",
  connection,
  number,
  kind: "data",
  asked: 0,
});

/** Takes messages, as `connection.number`, and statuses, as `connected`, as a reader would get them. */
function take(received: string): OrderCheck {
  const check = new OrderCheck(1, "client");
  for (const one of received.split(" ")) {
    const [connection, number] = one.split(".").map(Number);
    if (one === "connected") check.connected();
    else check.take(message(connection as number, number as number), true);
  }
  return check;
}

it("accepts and counts the messages of each connection from the first on", () => {
  expect(take("connected 0.0 0.1 connected connected 2.0 2.1 2.2").arrived).toEqual([
    { connection: 0, messages: 2 },
    { connection: 2, messages: 3 },
  ]);
  expect(take("connected").arrived).toEqual([]);
});

it.each([
  ["a message twice", "0.0 0.0", "came where 1 was next"],
  ["a gap", "0.0 0.2", "came where 1 was next"],
  ["messages out of order", "0.1 0.0", "came where 0 was next"],
  ["a beginning that is missing", "connected 0.0 connected 1.1", "came where 0 was next"],
  ["an earlier connection's message", "connected 1.0 connected 0.1", "came after its connection 1"],
  ["a later connection's message without a status", "0.0 1.0", "came on the connection 0 before it"],
  ["the same connection's message behind a status", "0.0 connected 0.1", "came on a later connection"],
])("rejects %s", (_what, received, says) => {
  expect(() => take(received)).toThrow(says);
});

it("requires no statuses of a reader that gets them apart from the messages", () => {
  const check = new OrderCheck(1, "client");
  check.take(message(0, 0), false);
  check.connected();
  check.take(message(0, 1), false);
  check.take(message(1, 0), false);
  expect(check.arrived.at(-1)).toEqual({ connection: 1, messages: 1 });
});

it("rejects a message of another run or of the other side", () => {
  const check = new OrderCheck(1, "client");
  expect(() => check.take({ ...message(0, 0), seed: 2 }, true)).toThrow("belongs elsewhere");
  expect(() => check.take({ ...message(0, 0), from: "server" }, true)).toThrow("belongs elsewhere");
});
