import { describe, expect, test } from "vitest";
import { noOrigin } from "../test/no-origin.js";
import { ReceivedMessage, timeoutMessage } from "./message.js";

const received = (hex: string): ReceivedMessage => {
  // Within a larger buffer, as most received messages are.
  const chunk = Uint8Array.from(Buffer.from(`eeee${hex}eeee`, "hex"));
  return new ReceivedMessage(7, chunk.subarray(2, -2), noOrigin);
};

describe("a received message", () => {
  test("has its kind, and its type and data as received", () => {
    const { kind, type, data } = received("00ff");
    expect([kind, type, data]).toEqual(["data", 7, Uint8Array.of(0, 255)]);
  });

  test.each([
    ["", ""],
    ["68656c6c6f", "hello"],
    ["e282ac20f09f9880", "€ 😀"],
    ["61ff62", "a\ufffdb"],
    ["61e282", "a\ufffd"],
    ["610062", "a\u0000b"],
  ])("has, for the bytes %s, the text %j", (hex, text) => {
    expect(received(hex).text()).toBe(text);
  });

  test("parses its data as JSON", () => {
    expect(received(Buffer.from('{"a":[1,"€"]}').toString("hex")).json()).toEqual({ a: [1, "€"] });
  });

  test.each(["", "7b", "68656c6c6f"])("throws a SyntaxError when its data is not JSON: %s", (hex) => {
    expect(() => received(hex).json()).toThrow(SyntaxError);
  });
});

test("there is one time-out message, and it cannot be changed", () => {
  expect(timeoutMessage).toEqual({ kind: "timeout", type: 2 });
  expect(Object.isFrozen(timeoutMessage)).toBe(true);
});
