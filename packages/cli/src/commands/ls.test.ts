import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { runIpc } from "../../test/ipc-process.js";
import { manageOrders } from "../../test/orders-server.js";

const ENDPOINT = z.strictObject({
  name: z.string(),
  state: z.enum(["listening", "stale", "refused", "unknown"]),
  owner: z.string(),
  mode: z.string().regex(/^0[0-7]{3}$/),
  pid: z.int().positive().nullable(),
  path: z.string(),
});

/** Leaves the file of a socket whose process was killed. */
async function leaveStale(path: string): Promise<void> {
  const code = 'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  await once(spawn(process.execPath, ["-e", code, path]), "close");
}

describe("ipc ls", () => {
  it("lists the sockets of a directory: which listen, in which process, and which are stale", async () => {
    const { directory } = await manageOrders();
    await leaveStale(join(directory, "left.sock"));
    writeFileSync(join(directory, "file.sock"), "not a socket");
    mkdirSync(join(directory, "x\u001b[2J.sock"));
    const { code, stdout, stderr } = await runIpc(["ls", "-d", directory, "--json"]);
    const endpoints = stdout
      .trim()
      .split("\n")
      .map((line) => ENDPOINT.parse(JSON.parse(line)));
    const pid = process.platform === "linux" ? process.pid : null;
    const listening = process.platform === "linux" ? "listening" : "unknown";
    expect(endpoints.map(({ name, state, mode, pid }) => [name, state, mode, pid])).toEqual([
      ["left", process.platform === "linux" ? "stale" : "unknown", expect.any(String), null],
      ["orders", listening, "0600", pid],
      ["orders_manager", listening, "0600", pid],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("prints a table for people, and says when there is nothing", async () => {
    const { directory } = await manageOrders();
    chmodSync(join(directory, "orders.sock"), 0o640);
    const { stdout } = await runIpc(["ls", "-d", directory, "--probe"]);
    const [head, first] = stdout.split("\n");
    expect(head).toMatch(/^NAME {12}STATE {6}OWNER +MODE {2}PID +PATH$/);
    expect(first).toMatch(new RegExp(`^orders {10}listening {2}\\S+ +0640 {2}\\S+ +${directory}/orders\\.sock$`));
    const empty = temporaryDirectory();
    expect(await runIpc(["ls", "-d", empty])).toEqual({ code: 0, stdout: "", stderr: `no sockets in ${empty}\n` });
  });
});
