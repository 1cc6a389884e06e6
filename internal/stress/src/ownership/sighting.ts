import type { BigIntStats } from "node:fs";

/** What was seen at a path. */
export interface Sighting {
  /** Within the directory that is watched. */
  readonly name: string;
  readonly what: "socket" | "directory" | "file" | "other";
  /** As `chmod` takes it: `600`. */
  readonly mode: string;
  /** What tells this file from those of the same name before and after it. */
  readonly file: string;
}

export interface WatcherOrder {
  readonly kind: "end";
}

/** What a watcher tells: each file once, and again when its mode has changed. */
export type WatcherNews =
  | { readonly kind: "ready" }
  | { readonly kind: "seen"; readonly sighting: Sighting }
  | { readonly kind: "watched"; readonly looks: number };

export function kindOf(stats: BigIntStats): Sighting["what"] {
  if (stats.isSocket()) return "socket";
  if (stats.isDirectory()) return "directory";
  return stats.isFile() ? "file" : "other";
}
