import { readFile } from "node:fs/promises";
import { clearTimeout, setTimeout } from "node:timers";
import { connectSocket } from "../net/connect.js";
import { errnoOf } from "../node-error.js";
import { assertNotAborted } from "../transport-error.js";

/** Time limit of a connect to a socket file, which normally succeeds or fails at once, in case a system hangs on it. */
const PROBE_MS = 1_000;

/**
 * Returns whether a server listens at `path`. Only a refusal or a missing file counts as no; every unclear result counts as a
 * server, because the caller removes a socket that does not answer.
 *
 * @throws TransportError `IPC_ABORTED`
 */
export async function isAnswering(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (await isListedAsListening(path)) return true;
  assertNotAborted(signal, `checking for a server at ${path}`);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), PROBE_MS).unref();
  const wait = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    const socket = await connectSocket({ path }, wait);
    socket.destroy();
    return true;
  } catch (error) {
    assertNotAborted(signal, `checking for a server at ${path}`);
    const errno = errnoOf(error);
    return errno !== "ECONNREFUSED" && errno !== "ENOENT";
  } finally {
    clearTimeout(timer);
  }
}

/** Matches an accepting stream socket (`__SO_ACCEPTCON`): Num, RefCount, Protocol, Flags, Type, St, Inode, Path. */
const LISTENING = /^\S+: \S+ \S+ 00010000 0001 \S+ +\d+ (.+)$/;

/**
 * Returns whether the kernel lists a listener bound to exactly this path; false without such a list (not Linux) and for sockets
 * of @ipc servers, which were bound to another name.
 *
 * The list avoids the other check, connecting and closing again, which ends a golang-ipc server for good: server.go closes the
 * listener after any handshake error.
 *
 * @see proc_pid_net(5), /proc/net/unix
 */
export async function isListedAsListening(path: string): Promise<boolean> {
  let table: string;
  try {
    table = await readFile("/proc/net/unix", "utf8");
  } catch {
    return false;
  }
  return table.split("\n").some((line) => LISTENING.exec(line)?.[1] === path);
}
