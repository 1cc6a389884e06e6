import { setTimeout as pause } from "node:timers/promises";
import type { ServerConnection } from "@ipc/manager";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { manageOrders } from "../../test/orders-server.js";

const ANSWER = z.strictObject({
  at: z.iso.datetime(),
  name: z.literal("orders"),
  direction: z.literal("in"),
  type: z.int().positive(),
  bytes: z.int().nonnegative(),
  text: z.string().optional(),
  base64: z.base64().optional(),
});

/** Starts a server that answers each message with itself and its type with one more, and keeps what it got. */
async function echo(): Promise<{ at: readonly string[]; got: string[]; done: () => Promise<void> }> {
  const { at, manager } = await manageOrders();
  const got: string[] = [];
  const loops: Promise<void>[] = [];
  manager.on("connection", (connection: ServerConnection) => {
    const loop = async (): Promise<void> => {
      for await (const message of connection) {
        got.push(`${message.type} ${message.text()}`);
        // A client that awaits no answer may have gone.
        await message.reply(message.type + 1, message.data).catch(() => {});
      }
    };
    loops.push(loop());
  });
  return { at, got, done: async () => void (await Promise.all(loops)) };
}

describe("ipc send", () => {
  it("sends a text, and prints the answers that it awaits", async () => {
    const { at, got } = await echo();
    const { code, stdout, stderr } = await runIpc(["send", "orders", "hello", ...at, "-t", "7", "--wait", "1"]);
    expect({ code, stdout, stderr, got }).toEqual({
      code: 0,
      stdout: "type 8, 5 bytes: hello\n",
      stderr: "",
      got: ["7 hello"],
    });
  });

  it("sends all of stdin as one message, whatever bytes it has, and prints answers as JSON", async () => {
    const { at } = await echo();
    const input = Uint8Array.of(0xff, 10, 0);
    const { code, stdout } = await runIpc(["send", "orders", ...at, "--wait", "1", "--json"], { input });
    expect(ANSWER.parse(JSON.parse(stdout))).toMatchObject({ type: 2, bytes: 3, base64: "/woA" });
    expect(code).toBe(0);
  });

  it("sends each line when it comes, and the last one without its newline too", async () => {
    const { at, got, done } = await echo();
    const ipc = new IpcProcess(["send", "orders", "-", ...at, "--lines", "--wait", "3", "--raw"]);
    ipc.child.stdin.write("one\n\ntw");
    expect([await ipc.line(), await ipc.line()]).toEqual(["one", ""]);
    ipc.child.stdin.end("o");
    const { code, stdout, stderr } = await ipc.outcome;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "one\n\ntwo\n", stderr: "3 messages, 6 bytes sent\n" });
    await done();
    expect(got).toEqual(["1 one", "1 ", "1 two"]);
  });

  it("loses no line of 20 000, and no answer, to a server that answers each", async () => {
    const { at, got } = await echo();
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    const input = lines.join("\0");
    const answers = ["--wait", String(lines.length), "--raw"];
    const { code, stdout, stderr } = await runIpc(["send", "orders", ...at, "--null", ...answers], { input });
    // Not by toEqual, whose report would have 20 000 lines.
    expect(got.join("\n") === lines.map((line) => `1 ${line}`).join("\n")).toBe(true);
    expect(stdout === `${lines.join("\n")}\n`).toBe(true);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `20000 messages, ${input.length - 19_999} bytes sent\n` });
  });

  it("exits with 5 when the answers do not come in time", async () => {
    const { at } = await manageOrders();
    expect(await runIpc(["send", "orders", "x", ...at, "--wait", "3", "--timeout", "2s"])).toEqual({
      code: 5,
      stdout: "",
      stderr: "error: 0 of 3 answers within 2.00 s; --timeout sets another time\n",
    });
  });

  it("exits with 6 when the server cuts the connection while lines come", async () => {
    const { at, manager } = await manageOrders();
    manager.on("connection", (connection) => connection.on("message", () => connection.destroy()));
    const ipc = new IpcProcess(["send", "orders", "-", ...at, "--lines"]);
    ipc.child.stdin.write("one\n");
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toMatch(/^1 messages, 3 bytes sent\nerror: .* \(IPC_CONNECTION_LOST\)\n$/);
    expect(code).toBe(6);
  });

  it("exits with 2 when the file of the data cannot be read", async () => {
    const { at } = await manageOrders();
    expect(await runIpc(["send", "orders", "@/nowhere/x", ...at])).toEqual({
      code: 2,
      stdout: "",
      stderr: "error: cannot read the input: ENOENT: no such file or directory, open '/nowhere/x'\n",
    });
  });

  it("ends at one SIGTERM while the server reads nothing, and prints its summary", async () => {
    const { at, manager } = await manageOrders();
    const begun = new Promise<void>((resolve) => {
      manager.on("connection", async (connection) => {
        await connection.read();
        resolve();
      });
    });
    const ipc = new IpcProcess(["send", "orders", "-", ...at, "--lines"]);
    ipc.child.stdin.write("first\n");
    await begun;
    const line = Buffer.alloc(65_536, "x").fill("\n", 65_535);
    // Until every buffer on the way is full. The command must end too if it still reads.
    for (let isFull = false; !isFull; ) {
      const taken = new Promise<boolean>((resolve) => ipc.child.stdin.write(line, () => resolve(false)));
      isFull = await Promise.race([taken, pause(500, true)]);
    }
    ipc.child.kill("SIGTERM");
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toMatch(/^\d+ messages, \d+ bytes sent\n$/);
    expect(code).toBe(143);
  });

  it("exits with 2 for arguments that exclude each other", async () => {
    expect(await runIpc(["send", "orders", "x", "--lines", "--null"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "error: --lines and --null exclude each other; give one of them\n",
    });
  });
});
