// A process that is attacked, and goes on. usage: node --expose-gc victim.js PLAN
import { closeSync, openSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { startServerManager } from "@ipc/manager";
import { Target } from "./target.js";
import { BYSTANDER, type VictimOrder, type VictimPlan, type VictimReport } from "./victim-orders.js";
import { takeOrders } from "./worker.js";

/** How often the resident set is looked at, in milliseconds. */
const LOOK_EVERY_MS = 10;
const NANOSECONDS = 1e6;

const { directory, ...plan } = JSON.parse(process.argv[2] ?? "") as VictimPlan;
const bystander = await startServerManager({ name: BYSTANDER, directory, encryption: false });
bystander.on("message", (connection, { type, data }) => void connection.write(type, data));
const target = await Target.start({ directory, ...plan });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let peakRss = 0;
setInterval(() => {
  peakRss = Math.max(peakRss, residentBytes());
}, LOOK_EVERY_MS);
const hoard: number[] = [];
let hoarding: NodeJS.Timeout | undefined;

async function collect(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await nextTurn();
    global.gc?.();
  }
}

/** What `look` sees; looking takes a descriptor, and there may be none. */
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

function report(): VictimReport {
  const rss = residentBytes();
  return {
    rss,
    heapUsed: getHeapStatistics().used_heap_size,
    peakRss: Math.max(peakRss, rss),
    descriptors: unlessExhausted(() => readdirSync("/proc/self/fd").length),
    hoarded: hoard.length,
    delayMs: { p99: delay.percentile(99) / NANOSECONDS, max: delay.max / NANOSECONDS },
    ...target.report(),
  };
}

takeOrders<VictimOrder, VictimReport | undefined>(async (order) => {
  switch (order.kind) {
    case "rest":
      await collect();
      peakRss = 0;
      delay.reset();
      return report();
    case "report":
      return report();
    case "hoard":
      takeAll();
      hoarding = setInterval(takeAll, 1);
      return undefined;
    case "release":
      clearInterval(hoarding);
      for (const descriptor of hoard.splice(0)) closeSync(descriptor);
      return undefined;
  }
});
