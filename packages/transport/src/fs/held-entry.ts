import { type BigIntStats, closeSync, constants, existsSync, fstatSync, lstatSync, openSync } from "node:fs";
import { errnoOf } from "../node-error.js";
import { identityOf, isSameFile } from "./path-entry.js";

/** Node has no name for `O_PATH`; this is its value on every architecture that Node runs on. @see open(2) */
const O_PATH = 0o10000000;
const DESCRIPTORS = "/proc/self/fd";

/**
 * A directory, or an entry of one, that was looked at. On Linux a descriptor holds it: `path` leads to this very file, whatever
 * another user has put under its name meanwhile. On other systems `path` is the name, and `isUnchanged` tells afterwards.
 */
export class HeldEntry {
  readonly path: string;
  readonly stats: BigIntStats;
  #descriptor: number | undefined;

  private constructor(path: string, stats: BigIntStats, descriptor: number | undefined) {
    this.path = path;
    this.stats = stats;
    this.#descriptor = descriptor;
  }

  /** Returns the entry at `path`, a link not followed, or undefined if there is none. Needs no permission on the entry. */
  static open(path: string): HeldEntry | undefined {
    if (!hasDescriptorPaths()) {
      const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      return stats && new HeldEntry(path, stats, undefined);
    }
    let descriptor: number;
    try {
      descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
    return new HeldEntry(`${DESCRIPTORS}/${descriptor}`, fstatSync(descriptor, { bigint: true }), descriptor);
  }

  /** Whether `path` leads to this file even if it was moved. */
  get isHeld(): boolean {
    return this.#descriptor !== undefined;
  }

  /** Returns whether `path` still leads to the entry that was looked at. */
  isUnchanged(): boolean {
    if (this.isHeld) return true;
    const there = lstatSync(this.path, { bigint: true, throwIfNoEntry: false });
    return there !== undefined && isSameFile(identityOf(there), identityOf(this.stats));
  }

  /** Idempotent. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Returns whether paths can go through descriptors: on Linux, where `/proc` is mounted. */
export function hasDescriptorPaths(): boolean {
  return process.platform === "linux" && existsSync(DESCRIPTORS);
}
