import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { describeInTerminal, IpcTerminal } from "../../test/ipc-terminal.js";
import { manageOrders, type Orders } from "../../test/orders-server.js";

const MESSAGE = z.strictObject({
  at: z.iso.datetime(),
  name: z.literal("orders"),
  direction: z.literal("in"),
  type: z.int().positive(),
  bytes: z.int().nonnegative(),
  text: z.string(),
});
/** Clears the screen, sets the title, turns the direction of text, and forges a line of the command. */
const HOSTILE = "a\u001b[2J\u001b]0;owned\u0007\u202e\u009b\nerror: b";

/** Starts a server that sends these messages to each client. */
async function greet(
  ...messages: readonly (readonly [type: number, text: string])[]
): Promise<Pick<Orders, "at" | "manager">> {
  const { at, manager } = await manageOrders();
  manager.on("connection", async (connection) => {
    for (const [type, text] of messages) await connection.write(type, text);
  });
  return { at, manager };
}

describe("ipc listen", () => {
  it("ends after as many messages as it is asked for, of the type that it is asked for", async () => {
    const { at } = await greet([1, "no"], [2, "yes"], [1, "no"], [2, "again"], [2, "too many"]);
    const { code, stdout } = await runIpc(["listen", "orders", ...at, "-t", "2", "-n", "2", "--json"]);
    const messages = stdout
      .trim()
      .split("\n")
      .map((line) => MESSAGE.parse(JSON.parse(line)));
    expect(messages.map(({ type, text }) => [type, text])).toEqual([
      [2, "yes"],
      [2, "again"],
    ]);
    expect(code).toBe(0);
  });

  it("escapes what a terminal would obey, unless --raw asks for the payload", async () => {
    const { at } = await greet([3, HOSTILE]);
    const shown = await runIpc(["listen", "orders", ...at, "-n", "1", "-q"]);
    expect(shown).toEqual({
      code: 0,
      stdout: "type 3, 29 bytes: a\\x1b[2J\\x1b]0;owned\\x07\\u{202e}\\x9b\\nerror: b\n",
      stderr: "",
    });
    expect((await runIpc(["listen", "orders", ...at, "-n", "1", "--raw"])).stdout).toBe(`${HOSTILE}\n`);
  });

  it("exits with 5 when a message does not come in time, and with 0 after --idle", async () => {
    const { at } = await greet();
    expect(await runIpc(["listen", "orders", ...at, "-q", "--timeout", "2s"])).toEqual({
      code: 5,
      stdout: "",
      stderr: "error: no message within 2.00 s, after 0; --timeout sets another time\n",
    });
    expect(await runIpc(["listen", "orders", ...at, "-q", "--idle", "10ms"])).toMatchObject({ code: 0, stderr: "" });
  });

  it("exits with 5 also while messages of another type come", async () => {
    const { at, manager } = await manageOrders();
    manager.on("connection", async (connection) => {
      for (;;) {
        await connection.write(1, "other");
        await pause(10);
      }
    });
    const { code, stdout } = await runIpc(["listen", "orders", ...at, "-t", "2", "--timeout", "2s"]);
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  });

  it("exits with 0 when the server closes, and with 6 when it closes too early or is cut", async () => {
    const { at, manager } = await greet([1, "last"]);
    const all = new IpcProcess(["listen", "orders", ...at, "--raw"]);
    expect(await all.line()).toBe("last");
    const two = new IpcProcess(["listen", "orders", ...at, "--raw", "-n", "2"]);
    expect(await two.line()).toBe("last");
    const cut = new IpcProcess(["listen", "orders", ...at, "--raw"]);
    expect(await cut.line()).toBe("last");
    [...manager.connections.values()][2]?.destroy();
    expect((await cut.outcome).stderr).toMatch(/\(IPC_CONNECTION_LOST\)\n$/);
    await manager.close();
    const outcomes = await Promise.all([all.outcome, two.outcome, cut.outcome]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 6, 6]);
  });

  it("goes on with the next connection with --reconnect, and prints its summary on SIGINT", async () => {
    const { at, manager } = await greet([1, "hello"]);
    const ipc = new IpcProcess(["listen", "orders", ...at, "--raw", "--reconnect", "--timeout", "20s"]);
    expect(await ipc.line()).toBe("hello");
    for (const connection of manager.connections.values()) connection.destroy();
    expect(await ipc.line()).toBe("hello");
    ipc.child.kill("SIGINT");
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toMatch(/\n2 messages, 10 bytes\n$/);
    expect(code).toBe(130);
  });
});

describeInTerminal("ipc listen", (columns) => {
  it("shows a hostile text without obeying it, and ends at Ctrl-C", async () => {
    const { at } = await greet([3, HOSTILE]);
    const terminal = await IpcTerminal.start(`listen orders ${at.join(" ")}`, { columns });
    const shown = await terminal.shows("error: b");
    expect(shown.replaceAll("\n", "")).toContain("a\\x1b[2J\\x1b]0;owned\\x07\\u{202e}\\x9b\\nerror: b");
    await terminal.press("C-c");
    const { code, screen } = await terminal.end();
    expect(screen).toContain("1 messages, 29 bytes");
    expect(code).toBe(130);
  });
});
