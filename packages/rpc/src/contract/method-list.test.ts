import { describe, expect, test } from "vitest";
import { type Contract, method, stream } from "./method.js";
import { listMethods } from "./method-list.js";

const list = (contract: unknown): string[] => [...listMethods("serve", contract as Contract).keys()];

describe("the methods of a contract", () => {
  test("have names that start with their namespaces", () => {
    expect(list({ get: method(), admin: { stop: method(), logs: { tail: stream() } } })).toEqual([
      "get",
      "admin.stop",
      "admin.logs.tail",
    ]);
  });

  test("are listed once for each contract", () => {
    const contract = { get: method() };
    expect(listMethods("serve", contract)).toBe(listMethods("remote", contract));
  });

  test("may be named __proto__, like any other name", () => {
    expect(list(JSON.parse('{"__proto__":{}}'))).toEqual([]);
    expect(list(Object.defineProperty({}, "__proto__", { value: method(), enumerable: true }))).toEqual(["__proto__"]);
  });

  test.each(["", "a.b", "then", "toJSON"])("may not be named %j", (name) => {
    expect(() => list({ ns: { [name]: method() } })).toThrow(`serve: \`ns.${name}\` cannot be the name of a method`);
  });

  test("cannot be in the namespace ipc, which is reserved", () => {
    expect(() => list({ ipc: { describe: method() } })).toThrow("`ipc.describe` cannot be the name");
  });

  test("have names of at most 255 bytes", () => {
    expect(list({ ["é".repeat(127)]: method() })).toHaveLength(1);
    expect(() => list({ ["é".repeat(128)]: method() })).toThrow("256 bytes, limit 255");
  });

  test.each([
    [null, "got null"],
    [method(), "got an object"],
    [{ get: undefined }, "`get` takes a method or a namespace, got undefined"],
    [{ a: { get: () => 1 } }, "`a.get` takes a method or a namespace, got a function"],
  ])("must be made by method or stream, and not be %o", (contract, says) => {
    expect(() => list(contract)).toThrow(says);
    expect(() => list(contract)).toThrow(TypeError);
  });

  test("are finite: the list rejects a contract that contains itself", () => {
    const contract: Record<string, unknown> = { get: method() };
    contract["again"] = contract;
    expect(() => list(contract)).toThrow("the contract contains itself at `again`");
  });
});

describe("method", () => {
  const schema = { "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value }) } };

  test("returns a stream when `gives` is set", () => {
    expect(method({ input: schema }).kind).toBe("unary");
    expect(method({ gives: schema }).kind).toBe("stream");
    expect(stream().kind).toBe("stream");
  });

  test.each([
    [{ input: {} }, "method: `input` takes a Standard Schema, got an object"],
    [{ inputs: schema }, "method: unknown option `inputs`"],
    [
      { errors: { "ipc.x": schema } },
      'method: `errors` takes codes of 1 … 64 bytes that do not start with `ipc.`, got "ipc.x"',
    ],
    [{ errors: { A: 1 } }, "method: `errors.A` takes a Standard Schema, got 1"],
    [{ idempotent: 1 }, "method: `idempotent` takes true or false, got 1"],
    [
      { takes: schema, idempotent: true },
      "method: `takes` and `idempotent` exclude each other: items cannot be sent again",
    ],
    [7, "method: takes an object of schemas, got 7"],
  ])("rejects %o with a TypeError", (definition, says) => {
    expect(() => method(definition as never)).toThrow(says);
    expect(() => method(definition as never)).toThrow(TypeError);
  });
});
