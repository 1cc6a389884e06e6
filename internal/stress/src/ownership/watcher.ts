// Looks into a directory as often as it can, and reports everything that it sees for the first time, at once.
// usage: watcher.js DIRECTORY
import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { reportNews, serveCalls } from "../process/calls.js";

/** Looks between two iterations of the event loop, in which calls come in and news go out. */
const LOOKS = 100;

/** A file at a path. */
export interface Sighting {
  /** Within the directory that is watched. */
  readonly name: string;
  readonly what: "socket" | "directory" | "file" | "other";
  /** As `chmod` takes it: `600`. */
  readonly mode: string;
  /** Tells this file from those of the same name before and after it. */
  readonly file: string;
}

/** Each file is reported once, and again when its mode has changed. */
export interface WatcherNews {
  readonly kind: "seen";
  readonly sighting: Sighting;
}

const [directory = ""] = process.argv.slice(2);
const seen = new Set<string>();
let looks = 0;
let isOver = false;

function look(): void {
  looks++;
  for (const name of readdirSync(directory)) {
    note(name);
    // A server is bound in a directory of its own first.
    if (name.startsWith(".")) note(`${name}/~`);
  }
}

function note(name: string): void {
  const stats = lstatSync(join(directory, name), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return;
  const sighting: Sighting = {
    name,
    what: kindOf(stats),
    mode: Number(stats.mode & 0o7777n).toString(8),
    file: `${stats.ino} ${stats.birthtimeNs}`,
  };
  const key = Object.values(sighting).join();
  if (seen.has(key)) return;
  seen.add(key);
  reportNews<WatcherNews>({ kind: "seen", sighting });
}

function kindOf(stats: BigIntStats): Sighting["what"] {
  if (stats.isSocket()) return "socket";
  if (stats.isDirectory()) return "directory";
  return stats.isFile() ? "file" : "other";
}

const calls = {
  /** Returns how often it has looked. */
  stop(): number {
    isOver = true;
    return looks;
  },
};

export type WatcherCalls = typeof calls;

serveCalls(calls, () => isOver);
while (!isOver) {
  for (let left = LOOKS; left > 0; left--) look();
  await nextMacrotask();
}
