import { describe, expect, test } from "vitest";
import { CallIds, isIdOfOther } from "./call-ids.js";

const free: ReadonlyMap<number, unknown> = new Map();

describe("the ids of calls", () => {
  test("are odd on the side that dialled and even on the other side", () => {
    const [client, server] = [new CallIds("client"), new CallIds("server")];
    expect([client.take(free), client.take(free), server.take(free), server.take(free)]).toEqual([1, 3, 2, 4]);
    expect([isIdOfOther("server", 1), isIdOfOther("server", 2)]).toEqual([true, false]);
    expect([isIdOfOther("client", 1), isIdOfOther("client", 2)]).toEqual([false, true]);
  });

  test("are not reused while their call is open, or cancelled and unanswered", () => {
    const ids = new CallIds("client");
    ids.hold(1);
    expect(ids.take(new Map([[3, "a call"]]))).toBe(5);
    const again = new CallIds("client");
    again.hold(1);
    again.release(1);
    expect(again.take(free)).toBe(1);
  });

  test("of cancelled calls are held only up to a limit, because a peer may never answer", () => {
    const ids = new CallIds("client");
    for (let id = 1; id <= 65_536 * 2 + 1; id += 2) ids.hold(id);
    expect(ids.take(free)).toBe(1);
    expect(ids.take(free)).toBe(65_536 * 2 + 3);
    ids.forget();
  });
});
