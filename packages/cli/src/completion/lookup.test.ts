import { describe, expect, it } from "vitest";
import { candidatesOf } from "./lookup.js";

const described = (name: string) => ({ name, kind: "unary", idempotent: false }) as const;

describe("the methods that a shell completes", () => {
  it.each(["get", "orders.get", "__proto__", "$a-b.c_9"])("have %j", (name) => {
    expect(candidatesOf([described(name)])).toEqual([{ value: name, summary: "unary" }]);
  });

  it.each(["", "$(reboot)", "a;b", "a b", "a\nb", "a\tb", "\u001b[2J", "a..b", ".a", "a\n", "`x`", "\u202e"])(
    "leave out %j, which a shell would run or a terminal would obey",
    (name) => {
      expect(candidatesOf([described(name)])).toEqual([]);
    },
  );
});
