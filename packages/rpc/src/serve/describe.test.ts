import { describe, expect, test } from "vitest";
import { answer } from "../../test/answer.js";
import { fakePair } from "../../test/fake-peer.js";
import { type Method, method, stream, type Untyped } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import { rpc, serve } from "../layer/rpc.js";
import type { ServeOptions } from "./handler-types.js";

/** A schema whose library makes JSON Schemas, which counts them. */
function describable(made: string[], throws = false): StandardSchema<number> {
  const jsonSchema = {
    input: ({ target }: { readonly target: string }) => {
      made.push(target);
      if (throws) throw new Error("JSON Schema has no such thing");
      return { type: "number" };
    },
  };
  const validate = (value: unknown) => ({ value: value as number });
  return { "~standard": { version: 1, vendor: "test", validate, jsonSchema } as StandardSchema<number>["~standard"] };
}

async function listed(pair: ReturnType<typeof fakePair>): Promise<unknown> {
  const api = rpc(pair.client).remote<{ ipc: { describe: Method<Untyped> } }>();
  return answer(pair, api.ipc.describe());
}

describe("`ipc.describe` lists", () => {
  test("the kinds of all methods, and no methods when there are none", async () => {
    const pair = fakePair();
    serve(pair.server, {}, {});
    expect(await listed(pair)).toEqual([]);
    serve(
      pair.server,
      { get: method({ idempotent: true }), nested: { watch: stream() } },
      {
        get() {},
        nested: { async *watch() {} },
      },
    );
    expect(await listed(pair)).toEqual([
      { name: "get", kind: "unary", idempotent: true },
      { name: "nested.watch", kind: "stream", idempotent: false },
    ]);
  });

  test("the JSON Schemas from the schema library, made once for all answers", async () => {
    const pair = fakePair();
    const made: string[] = [];
    const [schema, odd] = [describable(made), describable(made, true)];
    const get = method({ input: schema, output: odd, errors: { ODD: schema, NONE: odd } });
    serve(pair.server, { get }, { get: () => 1 });
    const expected = {
      name: "get",
      kind: "unary",
      idempotent: false,
      input: { type: "number" },
      errors: { ODD: { type: "number" }, NONE: {} },
    };
    expect([await listed(pair), await listed(pair)]).toEqual([[expected], [expected]]);
    expect(made).toEqual(["draft-2020-12", "draft-2020-12", "draft-2020-12", "draft-2020-12"]);
  });

  test.each<[what: string, options: ServeOptions, names: readonly string[]]>([
    [
      "no method behind middleware, which might refuse the caller",
      { use: [() => Promise.reject(new Error("no"))] },
      [],
    ],
    ["methods behind middleware when `describe` is true", { use: [() => Promise.resolve()], describe: true }, ["get"]],
    ["no method when `describe` is false", { describe: false }, []],
  ])("%s", async (_what, options, names) => {
    const pair = fakePair();
    serve(pair.server, { get: method() }, options, { get() {} });
    expect(await listed(pair)).toMatchObject(names.map((name) => ({ name })));
  });
});

test("rejects every `describe` but true and false", () => {
  const { server } = fakePair();
  const options = { describe: "yes" } as never;
  expect(() => serve(server, { get: method() }, options, { get() {} })).toThrow(
    new TypeError('serve: `describe` takes true or false, got "yes"'),
  );
});
