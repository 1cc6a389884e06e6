import { once } from "node:events";
import { linkSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { startServerManager } from "@ipc/manager";
import { expect, onTestFinished } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { runIpc, type StartOptions } from "./ipc-process.js";

const FINDING = z.strictObject({
  check: z.enum(["path", "directory", "socket", "lock", "manager", "key", "handshake"]),
  state: z.enum(["ok", "warning", "failed"]),
  problem: z.string().nullable(),
  path: z.string(),
  seen: z.string(),
  mend: z.string().nullable(),
  why: z.string().nullable(),
});

/** Starts a manager in a directory of its own, and returns that. */
export async function serve(options: object = {}): Promise<string> {
  const directory = temporaryDirectory();
  const manager = await startServerManager({ name: "orders", directory, ...options });
  onTestFinished(() => manager.destroy());
  return directory;
}

/** Starts a server that speaks no protocol of ours. */
export async function serveBytes(path: string, onStream: (socket: Socket) => void = () => {}): Promise<void> {
  const server = createServer((socket) => onStream(socket.on("error", () => {}))).listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

/** Leaves a socket file without a server. */
export async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}~`);
  await once(server, "listening");
  linkSync(`${path}~`, path);
  server.close();
}

/** Runs `ipc doctor … --json`, and returns its exit code, and what is not as it should be. */
export async function examine(args: readonly string[], options: StartOptions = {}) {
  const { code, stdout, stderr } = await runIpc(["doctor", ...args, "--json"], options);
  const findings = stdout.split("\n").flatMap((line) => (line === "" ? [] : [FINDING.parse(JSON.parse(line))]));
  expect(stderr).toMatch(/^\d+ ok, \d+ warnings, \d+ failed\n$/);
  return { code, findings, problems: findings.filter(({ state }) => state !== "ok") };
}
