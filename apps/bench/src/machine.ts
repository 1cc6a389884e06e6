import { readFileSync } from "node:fs";

/**
 * Starts watching what a virtual machine does not get of its processors because others of the same host have them. Call what
 * it gives to learn the share, 0 … 1; undefined where the system does not tell.
 */
export function watchStolen(): () => number | undefined {
  const before = processorTicks();
  return () => {
    const after = processorTicks();
    if (before === undefined || after === undefined || after.all === before.all) return undefined;
    return (after.stolen - before.stolen) / (after.all - before.all);
  };
}

function processorTicks(): ProcessorTicks | undefined {
  try {
    return readTicks(readFileSync("/proc/stat", "utf8"));
  } catch {
    return undefined;
  }
}

interface ProcessorTicks {
  readonly all: number;
  readonly stolen: number;
}

/** Reads the first line of Linux's /proc/stat: `cpu user nice system idle iowait irq softirq steal guest guest_nice`. */
export function readTicks(stat: string): ProcessorTicks {
  // Guests' time is in the user's already.
  const ticks = stat.slice(0, stat.indexOf("\n")).trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: ticks.reduce((sum, tick) => sum + tick, 0), stolen: ticks[7] ?? 0 };
}
