import { describe, expect, it } from "vitest";
import { contractOf, signatureOf } from "./contract-text.js";
import { SchemaType } from "./schema-type.js";

const NUMBER = { type: "number" };
const ID = { type: "object", properties: { id: NUMBER }, required: ["id"] };

describe("SchemaType", () => {
  it.each([
    [undefined, "unknown"],
    [true, "unknown"],
    [{ type: "integer" }, "number"],
    [{ type: ["string", "null"] }, "string | null"],
    [{ type: "array", items: { enum: ["a", 1] } }, '("a" | 1)[]'],
    [{ type: "array", prefixItems: [NUMBER, { type: "string" }], items: NUMBER }, "[number, string, ...number[]]"],
    [{ const: "x" }, '"x"'],
    [ID, "{ id: number }"],
    [{ type: "object", properties: { "a-b": NUMBER, __proto__x: NUMBER } }, '{ "a-b"?: number; __proto__x?: number }'],
    [{ type: "object", additionalProperties: NUMBER }, "Record<string, number>"],
    [{ anyOf: [NUMBER, ID] }, "number | { id: number }"],
    [{ allOf: [ID, { oneOf: [NUMBER, { type: "null" }] }] }, "{ id: number } & (number | null)"],
    [{ $ref: "#/$defs/Order", $defs: { Order: ID } }, "{ id: number }"],
    [{ $ref: "#/$defs/constructor", $defs: {} }, "unknown"],
    [{ $ref: "https://elsewhere.example/" }, "unknown"],
    [{ type: "object", properties: "wrong", required: 7 }, "Record<string, unknown>"],
  ])("writes %j as %s", (schema, type) => {
    expect(SchemaType.of(schema)).toBe(type);
  });

  it("ends for a schema that contains itself, and for one whose references double", () => {
    const list = { type: "object", properties: { next: { $ref: "#" } } };
    expect(SchemaType.of(list)).toMatch(/^(\{ next\?: ){12,}unknown( \}){12,}$/);
    const twice = (ref: string): object => ({ anyOf: [{ $ref: ref }, { type: "array", items: { $ref: ref } }] });
    const $defs = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`d${n}`, twice(`#/$defs/d${n + 1}`)]));
    expect(SchemaType.of({ ...twice("#/$defs/d0"), $defs }).length).toBeLessThan(1_000_000);
  });
});

describe("the type of a hostile schema", () => {
  const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`name${n}`, NUMBER]));
  const refs = { anyOf: Array.from({ length: 20_000 }, () => ({ $ref: "#/$defs/part" })) };
  const text = "x".repeat(100_000);

  it.each([
    [
      "a list of types, each with many members",
      { type: Array.from({ length: 20_000 }, () => "object"), properties: names },
    ],
    ["references to many members", { ...refs, $defs: { part: { type: "object", properties: names } } }],
    ["references to many values", { ...refs, $defs: { part: { enum: Object.keys(names) } } }],
    ["references to a long text", { ...refs, $defs: { part: { const: text } } }],
    [
      "references to a member with a long name",
      { ...refs, $defs: { part: { type: "object", properties: { [text]: NUMBER } } } },
    ],
  ])("has a length that is bounded: %s", (_what, schema) => {
    let looks = 0;
    const count = <T extends object>(value: T): T =>
      new Proxy(value, {
        get: (target, key) => {
          looks++;
          const found: unknown = Reflect.get(target, key);
          return typeof found === "object" && found !== null && !Array.isArray(found) ? count(found) : found;
        },
      });
    expect(SchemaType.of(count(schema)).length).toBeLessThan(1_000_000);
    expect(looks).toBeLessThan(200_000);
  });
});

describe("a contract", () => {
  it("has methods, streams and namespaces, with errors and options", () => {
    const methods = [
      { name: "get", kind: "unary", idempotent: true, input: ID, output: NUMBER, errors: { "NOT-FOUND": ID } },
      { name: "watch", kind: "stream", idempotent: false },
      { name: "items.sum", kind: "unary", idempotent: false, takes: NUMBER, output: NUMBER },
      { name: "__proto__", kind: "unary", idempotent: false },
    ] as const;
    expect(contractOf("my-orders", methods)).toBe(`import { method, stream } from "@ipc/rpc";

/** The methods of the server \`my-orders\`, as it describes them; a type without a schema is unknown. */
export const myOrders = {
  get: method<{ id: number }, number, { "NOT-FOUND": { id: number } }>({ idempotent: true }),
  watch: stream<unknown, unknown, unknown>(),
  items: {
    sum: stream<unknown, never, number, number>(),
  },
  ["__proto__"]: method<unknown, unknown>(),
};`);
    expect(methods.map(signatureOf)).toEqual([
      "get(input: { id: number }): number",
      "watch(input: unknown): items unknown, then unknown",
      "items.sum(input: unknown, items: number): number",
      "__proto__(input: unknown): unknown",
    ]);
  });
});
