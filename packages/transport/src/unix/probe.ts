import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { clearTimeout, setTimeout } from "node:timers";
import { addAbortListener, removeAbortListener } from "../abort-listeners.js";
import { currentUser } from "../fs/path-entry.js";
import { connectSocket } from "../net/connect.js";
import { errnoOf } from "../node-error.js";
import { assertNotAborted } from "../transport-error.js";

/** Time limit of a connect to a socket file, which normally succeeds or fails at once, in case a system hangs on it. */
const PROBE_MS = 1_000;

/** Errors of this process, not of the server: it cannot be asked now. */
const EXHAUSTED: ReadonlySet<string | undefined> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/**
 * Returns whether a server listens at `path`. Only a refusal or a missing file counts as no; every unclear result counts as a
 * server, because the caller removes a socket that does not answer.
 *
 * @throws TransportError `IPC_ABORTED`; Node's error when this process has no descriptor left to ask with
 */
export async function isAnswering(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (await isListedAsListening(path)) return true;
  assertNotAborted(signal, `checking for a server at ${path}`);
  const deadline = new AbortController();
  const abort = (): void => deadline.abort();
  const timer = setTimeout(abort, PROBE_MS).unref();
  addAbortListener(signal, abort);
  try {
    const socket = await connectSocket({ path }, deadline.signal);
    socket.destroy();
    return true;
  } catch (error) {
    assertNotAborted(signal, `checking for a server at ${path}`);
    const errno = errnoOf(error);
    if (EXHAUSTED.has(errno)) throw error;
    return errno !== "ECONNREFUSED" && errno !== "ENOENT";
  } finally {
    clearTimeout(timer);
    removeAbortListener(signal, abort);
  }
}

/** Matches an accepting stream socket (`__SO_ACCEPTCON`): Num, RefCount, Protocol, Flags, Type, St, Inode, Path. */
const LISTENING = /^\S+: \S+ \S+ 00010000 0001 \S+ +(\d+) (.+)$/;

/**
 * Reads the kernel's list of listening unix sockets: by path, what descriptors of them link to, `socket:[inode]`. Undefined without such
 * a list (not Linux). A socket is listed under the name that it was bound with, also after its file was removed or renamed.
 *
 * @see proc_pid_net(5), /proc/net/unix
 */
export async function readListeningSockets(): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  let table: string;
  try {
    table = await readFile("/proc/net/unix", "utf8");
  } catch {
    return undefined;
  }
  const sockets = new Map<string, string[]>();
  for (const line of table.split("\n")) {
    const [, inode, bound] = LISTENING.exec(line) ?? [];
    if (bound !== undefined) sockets.set(bound, [...(sockets.get(bound) ?? []), `socket:[${inode}]`]);
  }
  return sockets;
}

/**
 * Returns whether a process of this user has a listener that the kernel lists under exactly this path; false without such a list
 * (not Linux), and for what was bound under another name.
 *
 * The list avoids the other check, connecting and closing again, which ends a golang-ipc server for good: server.go closes the
 * listener after any handshake error. It goes by the path only: another user's socket stays listed under a path that that user
 * has unlinked, so an entry counts only if a process of this user has it. The file at the path is this user's.
 */
export async function isListedAsListening(path: string): Promise<boolean> {
  const links = new Set((await readListeningSockets())?.get(path));
  if (links.size === 0) return false;
  for (const pid of await readdir("/proc")) if (/^\d+$/.test(pid) && (await hasDescriptor(pid, links))) return true;
  return false;
}

/** Finds the processes that have sockets, as far as this user may look into them: their ids by `socket:[inode]`. */
export async function findSocketHolders(links: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const holders = new Map<string, number>();
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    for (const target of await descriptorsOf(pid)) {
      // The first one: a child that is being started has the descriptors of its parent for a moment.
      if (links.has(target) && !holders.has(target)) holders.set(target, Number(pid));
    }
  }
  return holders;
}

/** Returns whether a process of this user has one of these open: what its descriptors link to, as `socket:[inode]`. */
async function hasDescriptor(pid: string, links: ReadonlySet<string>): Promise<boolean> {
  try {
    if ((await stat(`/proc/${pid}`, { bigint: true })).uid !== BigInt(currentUser())) return false;
  } catch {
    return false;
  }
  return (await descriptorsOf(pid)).some((target) => links.has(target));
}

/** Reads what the descriptors of a process link to; nothing if it has ended, or may not be looked into. */
async function descriptorsOf(pid: string): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  try {
    const names = await readdir(directory);
    return await Promise.all(names.map((name) => readlink(`${directory}/${name}`).catch(() => "")));
  } catch {
    return [];
  }
}
