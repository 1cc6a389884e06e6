import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runIpc } from "../../test/ipc-process.js";
import { manageOrders } from "../../test/orders-server.js";

const FIGURES = z.strictObject({
  name: z.literal("orders"),
  count: z.int().positive(),
  bytes: z.int().nonnegative(),
  window: z.int().positive(),
  seconds: z.number().positive(),
  perSecond: z.int().positive(),
  bytesPerSecond: z.int().nonnegative(),
  latencyUs: z.strictObject({
    p50: z.number().positive(),
    p90: z.number().positive(),
    p99: z.number().positive(),
    "p99.9": z.number().positive(),
    max: z.number().positive(),
  }),
  security: z.enum(["plain", "compatible", "secure"]),
  proved: z.array(z.string()),
});

describe("ipc bench", () => {
  it("measures round trips with a server that answers each message", async () => {
    const { at, manager } = await manageOrders();
    manager.on("connection", async (connection) => {
      for await (const message of connection) await message.reply(message.type, message.data);
    });
    const { code, stdout } = await runIpc(["bench", "orders", ...at, "-n", "200", "-s", "100", "-w", "8", "--json"]);
    expect(FIGURES.parse(JSON.parse(stdout))).toMatchObject({ count: 200, bytes: 100, window: 8, security: "secure" });
    expect(code).toBe(0);
  });

  it("reads answers while it writes, so that a window larger than every buffer on the way is no deadlock", async () => {
    const { at, manager } = await manageOrders();
    manager.on("connection", async (connection) => {
      for await (const message of connection) await message.reply(message.type, message.data);
    });
    const { code, stdout, stderr } = await runIpc([
      "bench",
      "orders",
      ...at,
      "-n",
      "64",
      "-s",
      "1048576",
      "-w",
      "64",
      "--json",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(FIGURES.parse(JSON.parse(stdout))).toMatchObject({ count: 64, bytes: 1_048_576 });
  });

  it("exits with 1 when a message is too large for the server", async () => {
    const { at } = await manageOrders();
    const { code, stderr } = await runIpc(["bench", "orders", ...at, "-s", "9000000"]);
    expect(stderr).toMatch(/\(IPC_MESSAGE_TOO_LARGE\)\n$/);
    expect(code).toBe(1);
  });

  it("exits with 5 and says which server it needs, when no answer comes", async () => {
    const { at } = await manageOrders();
    const { code, stderr } = await runIpc(["bench", "orders", ...at, "--timeout", "2s"]);
    expect(stderr).toBe(
      "error: no answer within 2.00 s after 0 round trips; the server must answer each message with one, as `ipc serve orders --echo` does\n",
    );
    expect(code).toBe(5);
  });
});
