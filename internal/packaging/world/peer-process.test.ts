import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { PeerProcess } from "./peer-process.js";

async function start(program: string): Promise<PeerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "ipc-peer-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const peer = new PeerProcess([process.execPath, "--eval", program], folder, join(folder, "output"));
  onTestFinished(() => peer.kill());
  return peer;
}

test("a process that hangs is killed, and its errors are shown", async () => {
  const peer = await start('console.error("stuck"); console.log(process.pid); setInterval(() => {}, 1_000);');
  const pid = Number(await peer.line());
  await expect(peer.line(1)).rejects.toThrow("the process printed no line in 1 ms and was killed: stuck");
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a process that ends without a line shows its exit code and its errors", async () => {
  const peer = await start('console.error("broken"); process.exitCode = 3;');
  await expect(peer.line()).rejects.toThrow("the process ended (3): broken");
});
