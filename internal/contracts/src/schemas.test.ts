import { memory, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type CallPeer, failed, method, rpc, serve } from "@ipc/rpc";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const zod = {
  get: method({
    input: z.object({ id: z.coerce.number() }),
    output: z.object({ id: z.number(), name: z.string().default("none") }),
    errors: { NOT_FOUND: z.object({ id: z.number() }) },
  }),
};
const valibot = {
  get: method({
    input: v.object({ id: v.pipe(v.unknown(), v.transform(Number), v.number()) }),
    output: v.object({ id: v.number(), name: v.optional(v.string(), "none") }),
    errors: { NOT_FOUND: v.object({ id: v.number() }) },
  }),
};
const arktype = {
  get: method({
    input: type({ id: "string.numeric.parse | number" }),
    output: type({ id: "number", name: "string = 'none'" }),
    errors: { NOT_FOUND: type({ id: "number" }) },
  }),
};

type Get = (input: { id: number }, call: { fail(code: "NOT_FOUND", data: { id: number }): never }) => { id: number };

const get: Get = ({ id }, call) => (id < 0 ? call.fail("NOT_FOUND", { id }) : { id });

describe.each([
  ["zod", zod as typeof zod],
  ["valibot", valibot as unknown as typeof zod],
  ["arktype", arktype as unknown as typeof zod],
])("a contract with the schemas of %s", (_library, contract) => {
  test("validates and transforms inputs, outputs and errors", async () => {
    const transport = memory();
    await using manager = await startServerManager({ name: "schemas", transport });
    serve(manager, contract, { get });
    await using client = await startClient({ name: "schemas", transport });
    const api = rpc(client).remote(contract);
    expect(await api.get({ id: "7" })).toEqual({ id: 7, name: "none" });
    const rejected = await api.get({ id: -1 }).catch((error: unknown) => error);
    expect(failed(rejected, contract.get) && rejected.data.id).toBe(-1);
    const wrong = await api.get({ id: "x" }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: "ipc.bad-input", executed: "no" });
  });
});

test("types are inferred alike from each library", () => {
  interface Output {
    id: number;
    name: string;
  }
  // Never called: the compiler alone judges it.
  const infer = async (peer: CallPeer): Promise<void> => {
    expectTypeOf(await rpc(peer).remote(zod).get({ id: 1 })).toEqualTypeOf<Output>();
    expectTypeOf(await rpc(peer).remote(valibot).get({ id: 1 })).toEqualTypeOf<Output>();
    expectTypeOf(await rpc(peer).remote(arktype).get({ id: 1 })).toEqualTypeOf<Output>();
  };
  expect(infer).toBeTypeOf("function");
});
