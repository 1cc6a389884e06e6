// A process that is attacked, and goes on. usage: node --expose-gc victim.js PLAN
import { closeSync, openSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { startServerManager } from "@ipc/manager";
import { serveCalls } from "../process/calls.js";
import { BYSTANDER, startTarget, type TargetPlan, type TargetReport } from "./target.js";

/** How often the resident set is looked at, in milliseconds. */
const LOOK_EVERY_MS = 10;
const NANOSECONDS = 1e6;

/** The victim's process at a moment. Sizes in bytes. */
export interface VictimReport extends TargetReport {
  readonly rss: number;
  readonly heapUsed: number;
  /** Processor time since the start, in milliseconds. */
  readonly processorMs: number;
  /** The highest since the last rest. */
  readonly peakRss: number;
  /** Undefined where none is left to look with, or the system does not tell. */
  readonly descriptors: number | undefined;
  /** Files that it keeps open since it was told to hoard. */
  readonly hoarded: number;
  /** How late the event loop was, in milliseconds, since the last rest. */
  readonly delayMs: { readonly p99: number; readonly max: number };
}

const plan = JSON.parse(process.argv[2] ?? "") as TargetPlan;
const bystander = await startServerManager({ name: BYSTANDER, directory: plan.directory, encryption: false });
bystander.on("message", (connection, { type, data }) => void connection.write(type, data));
const reportTarget = await startTarget(plan);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let peakRss = 0;
setInterval(() => {
  peakRss = Math.max(peakRss, residentBytes());
}, LOOK_EVERY_MS);
const hoard: number[] = [];
let hoarding: NodeJS.Timeout | undefined;

/** Calls `look`, which needs a descriptor, and there may be none. */
function unlessExhausted<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function residentBytes(): number {
  return unlessExhausted(() => process.memoryUsage.rss()) ?? 0;
}

function takeAll(): void {
  for (;;) {
    const descriptor = unlessExhausted(() => openSync("/dev/null", "r"));
    if (descriptor === undefined) return;
    hoard.push(descriptor);
  }
}

const calls = {
  /** Collects the garbage; the peak and the delays count anew. */
  async rest(): Promise<VictimReport> {
    for (let round = 0; round < 3; round++) {
      await nextMacrotask();
      global.gc?.();
    }
    peakRss = 0;
    delay.reset();
    return calls.report();
  },

  report(): VictimReport {
    const rss = residentBytes();
    const { user, system } = process.cpuUsage();
    return {
      rss,
      processorMs: (user + system) / 1_000,
      heapUsed: getHeapStatistics().used_heap_size,
      peakRss: Math.max(peakRss, rss),
      descriptors: unlessExhausted(() => readdirSync("/proc/self/fd").length),
      hoarded: hoard.length,
      delayMs: { p99: delay.percentile(99) / NANOSECONDS, max: delay.max / NANOSECONDS },
      ...reportTarget(),
    };
  },

  /** Opens files until there are no descriptors any more, and takes each that is given back. */
  hoard(): void {
    takeAll();
    hoarding = setInterval(takeAll, 1);
  },

  /** Closes them. */
  release(): void {
    clearInterval(hoarding);
    for (const descriptor of hoard.splice(0)) closeSync(descriptor);
  },
};

export type VictimCalls = typeof calls;

serveCalls(calls, () => false);
