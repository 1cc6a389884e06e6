import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { startServerManager } from "@ipc/manager";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { IPC } from "../test/ipc-process.js";

const LINES = 1_000_000;
/** How many lines the server may be behind before the client must wait: what fits into buffers on the way. */
const PAUSE_EVERY = 100_000;

/** Whether a process waits, or has ended: on a busy machine one that reads nothing may only lack a core. Other systems than Linux do not tell. */
function isAsleep(pid: number | undefined): boolean {
  if (process.platform !== "linux") return true;
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").includes(") S ");
  } catch {
    return true;
  }
}

it("ipc send --lines sends a million lines in order, loses none, and waits for a server that stands still", async () => {
  const directory = temporaryDirectory();
  const manager = await startServerManager({ name: "orders", directory });
  onTestFinished(() => manager.destroy());
  let received = 0;
  let wrong = 0;
  /** How much the command had read of its input when the server stood still, at most. */
  let written = 0;
  const ahead: number[] = [];
  const over = new Promise<void>((resolve) => {
    manager.on("connection", async (connection) => {
      for await (const message of connection) {
        if (message.text() !== String(received)) wrong++;
        received++;
        if (received % PAUSE_EVERY !== 0) continue;
        // The server stands still until the command reads no more of its input.
        for (let before = -1; before !== written || !isAsleep(child.pid); ) {
          before = written;
          await new Promise((next) => setTimeout(next, 300));
        }
        ahead.push(written - received);
      }
      resolve();
    });
  });
  const child = spawn(process.execPath, [IPC, "send", "orders", "-d", directory, "--lines"], {
    stdio: ["pipe", "inherit", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  for (let line = 0; line < LINES; ) {
    const end = Math.min(line + 1_000, LINES);
    let text = "";
    for (; line < end; line++) text += `${line}\n`;
    const room = child.stdin.write(text);
    written = line;
    if (!room) await new Promise((drain) => child.stdin.once("drain", drain));
  }
  child.stdin.end();
  expect(await ended).toBe(0);
  await over;
  expect({ received, wrong }).toEqual({ received: LINES, wrong: 0 });
  expect(complaints).toMatch(/^1000000 messages, 5888890 bytes sent\n$/);
  // Unread at the server, on the way, queued in the command, and in the pipe: some MiB of messages, never all of them.
  expect(Math.max(...ahead.slice(0, 5))).toBeLessThan(LINES / 4);
});
