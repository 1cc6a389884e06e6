import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, linkSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished, vi } from "vitest";
import { type FileIdentity, inspectPath } from "../src/fs/path-entry.js";

/** The id of this machine's unprivileged user. */
export const OTHER_USER = 65_534;

export const isRoot = process.getuid?.() === 0;
export const NEEDS_ROOT = "only root can act as other users";
/** Two users of the tests that run as root; no account of the machine has these ids. */
export const ALICE = 41_001;
export const BOB = 41_002;

/** Makes the process take itself for one on another system, without descriptors in paths, until the test ends. */
export function pretendPlatform(other: NodeJS.Platform): void {
  const { platform } = process;
  Object.defineProperty(process, "platform", { value: other });
  onTestFinished(() => void Object.defineProperty(process, "platform", { value: platform }));
}

/** Sets the umask until the test ends. */
export function setUmask(mask: number): void {
  const before = process.umask(mask);
  onTestFinished(() => void process.umask(before));
}

/** Makes a directory that is gone after the test. Its path is short, so that sockets fit in. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ipc-transport-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Leaves a socket file behind on which no process listens, without a process to kill. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const bound = `${path}~`;
  const server = createServer().listen(bound);
  await once(server, "listening");
  linkSync(bound, path);
  server.close();
}

/** Leaves what a server leaves when it is killed. */
export async function leaveKilledServer(path: string): Promise<void> {
  const script = "require('node:net').createServer().listen(process.argv[1], () => process.stdout.write('up'))";
  const child = spawn(process.execPath, ["-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await exit;
}

/** Starts a server that is none of ours, until the test ends. */
export async function startForeignServer(path: string, onStream: (stream: Duplex) => void = () => {}): Promise<void> {
  const server = createServer((socket) => onStream(socket.on("error", () => {}))).listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

/** Binds a server to its path, until the test ends. */
export async function bindServer(): Promise<{ directory: string; path: string; server: Server; file: FileIdentity }> {
  const directory = scratchDirectory();
  const path = join(directory, "a.sock");
  const server = createServer().listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { directory, path, server, file: socketAt(path) };
}

/** Returns the socket at a path. */
export function socketAt(path: string): FileIdentity {
  const file = inspectPath(path);
  if (file.kind !== "socket") throw new Error(`no socket at ${path}`);
  return file;
}

/** Makes the next call of a mock throw an error of the system. */
export function failOnce(call: (...args: never[]) => unknown, errno: string): void {
  vi.mocked(call).mockImplementationOnce(() => {
    throw Object.assign(new Error(errno), { code: errno });
  });
}

/** Makes the file another user's, or this process another user than the file's; returns the file's owner. */
export function disown(path: string): number {
  const { uid } = lstatSync(path);
  if (uid === 0) {
    chownSync(path, OTHER_USER, OTHER_USER);
    return OTHER_USER;
  }
  const user = vi.spyOn(process, "geteuid").mockReturnValue(uid + 1);
  onTestFinished(() => user.mockRestore());
  return uid;
}

/** Returns the directory of this package's published files: other processes cannot read TypeScript. */
export function emittedPackage(): string {
  return fileURLToPath(new URL("../dist/", import.meta.url));
}

/** Runs `peer.mjs` on the published files of a package until the test ends, with fewer descriptors or as another user. */
export async function startPeer(
  emitted: string,
  directory: string,
  how: { readonly maxDescriptors?: number; readonly uid?: number; readonly gid?: number } = {},
): Promise<ChildProcess> {
  const limit = how.maxDescriptors === undefined ? "" : `ulimit -n ${how.maxDescriptors}; `;
  const peer = fileURLToPath(new URL("peer.mjs", import.meta.url));
  const child = spawn(
    "sh",
    ["-c", `${limit}exec "$@"`, "sh", process.execPath, peer, pathToFileURL(join(emitted, "index.js")).href, directory],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      ...(how.uid === undefined ? {} : { uid: how.uid }),
      ...(how.gid === undefined ? {} : { gid: how.gid }),
    },
  );
  const exit = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  await once(child, "message");
  return child;
}

/** Gives a peer an order and resolves with its answer. */
export async function ask(peer: ChildProcess, order: object): Promise<unknown> {
  const answer = once(peer, "message");
  peer.send(order);
  return (await answer)[0];
}

/** Returns the paths under a directory that the kernel lists for listeners of any process; none where it has no list. */
export function listedUnder(directory: string): string[] {
  if (process.platform !== "linux") return [];
  const rows = readFileSync("/proc/net/unix", "utf8").split("\n");
  return rows
    .filter((row) => row.includes(" 00010000 "))
    .flatMap((row) => row.split(" ").slice(-1))
    .filter((path) => path.startsWith(`${directory}/`));
}

/** Counts the listeners that the kernel lists under a directory. */
export function countListening(directory: string): number {
  return listedUnder(directory).length;
}

/** Returns the files at or under a directory, removed ones too, that this process has open; none where there is no /proc. */
export function openUnder(directory: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd")
    .map((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`);
      } catch {
        // The descriptor with which this list was read.
        return "";
      }
    })
    .filter((path) => path.startsWith(directory));
}

/** Stops `Date` at the time of a lock, which stays fresh however long the test takes. */
export function keepLockFresh(lock: string): void {
  vi.useFakeTimers({ toFake: ["Date"], now: lstatSync(lock).mtime });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets the event loop go round. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
