import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { followSignal } from "../abort-listeners.js";
import { currentUser, identityOf, isSameFile, kindOf } from "../fs/path-entry.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";

/** A holder needs milliseconds, or a second if its probe hangs. */
const STALE_MS = 10_000;
const POLL_MS = 20;

export function lockPath(socketPath: string): string {
  return `${socketPath}.lock`;
}

/**
 * The lock for taking the name of a socket file: `<socket>.lock`, which contains the pid of its owner.
 *
 * The lock is advisory and can be broken, so a holder calls `isHeld` right before it acts.
 */
export class SocketLock {
  readonly #path: string;
  /** Kept open, so that no other lock can get the inode of this one, even after this one was broken. */
  #descriptor: number | undefined;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  /**
   * Waits for the lock. Breaks a lock of this user whose owner is dead, or that is 10 s old.
   *
   * @throws TransportError `IPC_ADDRESS_IN_USE` at once when it belongs to another user or is no regular file
   */
  static async acquire(socketPath: string, signal: AbortSignal | undefined): Promise<SocketLock> {
    const path = lockPath(socketPath);
    for (;;) {
      const descriptor = tryCreate(path);
      if (descriptor !== undefined) return new SocketLock(path, descriptor);
      if (!tryBreak(path)) await followSignal(signal, (own) => sleep(POLL_MS, undefined, own));
    }
  }

  isHeld(): boolean {
    if (this.#descriptor === undefined) return false;
    const there = lstatSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return (
      there !== undefined && isSameFile(identityOf(there), identityOf(fstatSync(this.#descriptor, { bigint: true })))
    );
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    if (this.#descriptor === undefined) return;
    try {
      if (this.isHeld()) unlinkSync(this.#path);
    } finally {
      closeSync(this.#descriptor);
      this.#descriptor = undefined;
    }
  }
}

/** Returns the open descriptor of a new lock, or undefined if a lock exists. */
function tryCreate(path: string): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o600);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return undefined;
    throw error;
  }
  try {
    writeSync(descriptor, `${process.pid}\n`);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    unlinkSync(path);
    throw error;
  }
}

/** Removes a lock that is no longer held; returns whether to try to create one at once. */
function tryBreak(path: string): boolean {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return true;
  if (!stats.isFile()) {
    throw new TransportError(
      "IPC_ADDRESS_IN_USE",
      `${path}, the lock for taking the socket's name, is ${kindOf(stats)}, which is never deleted; move it away`,
    );
  }
  if (Number(stats.uid) !== currentUser()) {
    // Not waited for: another user could hold it for ever, and that user's server could not share the name anyway.
    throw new TransportError(
      "IPC_ADDRESS_IN_USE",
      `${path}, the lock for taking the socket's name, belongs to user ${stats.uid}, and this is user ${currentUser()}; choose another name or directory, or have that user remove it`,
    );
  }
  // In both directions: a time in the future means that the clock was set, and must not lock for ever.
  const old = Math.abs(Date.now() - Number(stats.mtimeMs)) > STALE_MS;
  if (!old && !isOwnerDead(path)) return false;
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  return true;
}

/** Returns true only if no process has this pid; an unreadable or half-written lock expires by age. */
function isOwnerDead(path: string): boolean {
  const pid = readPid(path);
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}

function readPid(path: string): number | undefined {
  let descriptor: number;
  try {
    // Non-blocking, because the file may since have been replaced by a pipe without a writer.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(16);
    const text = bytes.toString("latin1", 0, readSync(descriptor, bytes));
    return /^[1-9]\d{0,9}\n$/.test(text) ? Number.parseInt(text, 10) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}
