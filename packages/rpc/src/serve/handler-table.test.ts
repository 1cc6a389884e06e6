import { describe, expect, test } from "vitest";
import { method } from "../contract/method.js";
import { HandlerTable, resolveMethods } from "./handler-table.js";

describe("a handler", () => {
  test.each(["toString", "constructor", "valueOf", "hasOwnProperty"])(
    "is never a property that every object inherits: %s",
    (name) => {
      expect(() => resolveMethods({ [name]: method() }, {}, {})).toThrow(
        new TypeError(`serve: the method \`${name}\` takes a handler, a function, got undefined`),
      );
      expect(() => resolveMethods({ [name]: { run: method() } }, {}, {})).toThrow(TypeError);
    },
  );

  test("may have such a name, and may be a method of a class, with its object as `this`", () => {
    class Orders {
      readonly #prefix = "order ";
      toString(): string {
        return `${this.#prefix}list`;
      }
      get(id: unknown): string {
        return `${this.#prefix}${id}`;
      }
    }
    const table = new HandlerTable();
    table.add(resolveMethods({ toString: method(), get: method() }, {}, new Orders()));
    expect(table.find("toString")?.handler(undefined, undefined as never)).toBe("order list");
    expect(table.find("get")?.handler(7, undefined as never)).toBe("order 7");
  });
});
