import { readFile } from "node:fs/promises";

/** A line of a stream socket that accepts (`__SO_ACCEPTCON`): Num, RefCount, Protocol, Flags, Type, St, Inode, Path. */
const LISTENING = /^\S+: \S+ \S+ 00010000 0001 \S+ +\d+ (.+)$/;

/**
 * Returns whether the kernel lists a listener bound to exactly this path; false where there is no such list (not Linux)
 * and for our own sockets, which were bound to another name.
 *
 * Worth a file because the other way to find out, connecting and closing again, ends a golang-ipc server for good:
 * server.go closes the listener after any handshake error.
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
