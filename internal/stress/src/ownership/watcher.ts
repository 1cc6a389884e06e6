// Looks into a directory as often as it can, and tells whatever it sees for the first time, at once. usage: watcher-program.js DIRECTORY
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { endAsOrphan } from "./orphan.js";
import { kindOf, type Sighting, type WatcherNews, type WatcherOrder } from "./sighting.js";

/** Looks between two turns of the event loop, in which orders come in and news go out. */
const LOOKS = 100;

const [directory = ""] = process.argv.slice(2);
const seen = new Set<string>();
let looks = 0;
let isOver = false;

function tell(news: WatcherNews): void {
  process.send?.(news);
}

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
  tell({ kind: "seen", sighting });
}

process.on("message", ({ kind }: WatcherOrder) => {
  if (kind === "end") isOver = true;
});
endAsOrphan(() => isOver);
tell({ kind: "ready" });
while (!isOver) {
  for (let left = LOOKS; left > 0; left--) look();
  await nextTurn();
}
tell({ kind: "watched", looks });
