import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runIpc } from "../../test/ipc-process.js";
import { serveOrders } from "../../test/orders-server.js";

const METHOD = z.strictObject({
  name: z.string(),
  kind: z.enum(["unary", "stream"]),
  idempotent: z.boolean(),
  input: z.record(z.string(), z.unknown()).optional(),
  output: z.record(z.string(), z.unknown()).optional(),
  gives: z.record(z.string(), z.unknown()).optional(),
  takes: z.record(z.string(), z.unknown()).optional(),
  errors: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

describe("ipc describe", () => {
  it("prints the signatures of the methods", async () => {
    const { at } = await serveOrders();
    const { code, stdout } = await runIpc(["describe", "orders", ...at]);
    expect(stdout).toContain(
      "get(input: { id: number }): { id: number; note?: string }\n  idempotent; errors NOT_FOUND\n",
    );
    expect(stdout).toContain("\nitems.sum(input: unknown, items: number): number\n");
    expect(code).toBe(0);
  });

  it("prints one method as JSON, and its contract in TypeScript", async () => {
    const { at } = await serveOrders();
    const json = await runIpc(["describe", "orders", "get", ...at, "--json"]);
    expect(METHOD.parse(JSON.parse(json.stdout))).toMatchObject({ name: "get", input: { required: ["id"] } });
    expect((await runIpc(["describe", "orders", "get", ...at, "--ts"])).stdout).toContain(
      "  get: method<{ id: number }, { id: number; note?: string }, { NOT_FOUND: { id: number } }>({ idempotent: true }),\n",
    );
  });

  it("exits with 1 for a method that the server does not have", async () => {
    const { at } = await serveOrders();
    const { code, stderr } = await runIpc(["describe", "orders", "absent", ...at]);
    expect(stderr).toMatch(/^error: orders has no method absent; it has get, watch, /);
    expect(code).toBe(1);
  });
});
