// One way, 64 bytes, beside the floor and golang-ipc, interleaved in one run: a sanity check, not the benchmark. Exits 1 when a
// ratio of medians misses its target. usage: speed.js [ROUNDS]
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startClient } from "@ipc/client";
import { buildGoPeer } from "@ipc-internal/conformance/go-toolchain";
import { COUNTED, NAME, REPORT, WIRES, type Wire } from "./speed-conversation.js";

const SIZE = 64;
const PLAIN_COUNT = 1_000_000;
const SEALED_COUNT = 200_000;
const run = promisify(execFile);

/** Messages a second, one figure a round. */
type Figures = Record<"floor" | Wire | "golang-ipc encrypted", number[]>;

async function measureFloor(): Promise<number> {
  const floor = fileURLToPath(new URL("../floor/bare-loop.mjs", import.meta.url));
  const { stdout } = await run(process.execPath, [floor, String(SIZE), String(PLAIN_COUNT)]);
  return (JSON.parse(stdout) as { perSecond: number }).perSecond;
}

async function measureOurs(wire: Wire, count: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-speed-"));
  const program = fileURLToPath(new URL("speed-receiver.js", import.meta.url));
  const receiver = spawn(process.execPath, [program, directory, wire], { stdio: "inherit" });
  const ended = once(receiver, "exit");
  try {
    const client = await startClient({ name: NAME, directory, ...WIRES[wire], timeoutMs: 10_000 });
    const data = new Uint8Array(SIZE);
    const from = performance.now();
    for (let i = 0; i < count; i++) await client.write(COUNTED, data);
    await client.write(REPORT, "");
    for await (const report of client) {
      if (report.text() !== String(count)) throw new Error(`${report.text()} of ${count} messages arrived`);
      break;
    }
    const seconds = (performance.now() - from) / 1_000;
    await client.close();
    await ended;
    return count / seconds;
  } finally {
    receiver.kill();
    await rmdir(directory);
  }
}

/** Undefined where there is no Go. */
async function measureGo(): Promise<number | undefined> {
  const peer = await buildGoPeer();
  if ("missing" in peer) {
    console.log(`golang-ipc is not measured: ${peer.missing}`);
    return undefined;
  }
  const args = ["--role", "throughput", "--encryption", "--count", String(SEALED_COUNT), "--size", String(SIZE)];
  const { stdout } = await run(peer.path, args);
  return (JSON.parse(stdout) as { result: { messagesPerSecond: number } }).result.messagesPerSecond;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1] as number;
}

function compare(figures: Figures, ours: keyof Figures, theirs: keyof Figures, target: number): boolean {
  if (figures[theirs].length === 0) return true;
  const ratio = median(figures[ours]) / median(figures[theirs]);
  console.log(`${ours} ÷ ${theirs}: ${ratio.toFixed(2)} (target ${target}) ${ratio >= target ? "met" : "MISSED"}`);
  return ratio >= target;
}

const figures: Figures = { floor: [], plain: [], secure: [], compatible: [], "golang-ipc encrypted": [] };
const rounds = Number(process.argv[2] ?? 5);
for (let round = 0; round < rounds; round++) {
  figures.floor.push(await measureFloor());
  figures.plain.push(await measureOurs("plain", PLAIN_COUNT));
  figures.secure.push(await measureOurs("secure", PLAIN_COUNT));
  figures.compatible.push(await measureOurs("compatible", SEALED_COUNT));
  const go = await measureGo();
  if (go !== undefined) figures["golang-ipc encrypted"].push(go);
}
for (const [name, all] of Object.entries(figures)) {
  if (all.length === 0) continue;
  const shown = [Math.min(...all), median(all), Math.max(...all)].map((rate) => Math.round(rate / 1_000));
  console.log(`${name}: ${shown.join(" / ")} thousand messages a second (min / median / max of ${all.length})`);
}
const met = [
  compare(figures, "plain", "floor", 0.4),
  compare(figures, "secure", "plain", 0.7),
  compare(figures, "secure", "compatible", 8),
  compare(figures, "secure", "golang-ipc encrypted", 12),
  compare(figures, "compatible", "golang-ipc encrypted", 1),
];
process.exitCode = met.every(Boolean) ? 0 : 1;
