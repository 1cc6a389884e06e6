import { UnawaitedWrites } from "../src/connection/unawaited-writes.js";
import { silentLogger } from "../src/diagnostics.js";
import { SlipReporter } from "../src/slip-reporter.js";

/** Warns of every slip, because one reporter serves the tests of many files, and each must expect its own. */
class EverySlip extends SlipReporter {
  override report(...slip: Parameters<SlipReporter["report"]>): void {
    new SlipReporter(silentLogger, "peer").report(...slip);
  }
}

/** A reporter of slips for peers whose tests make none, or keep the process warnings. */
export const silentSlips: SlipReporter = new EverySlip(silentLogger, "peer");

/** Watches the writes of tests that let none be rejected unawaited. */
export const unawaitedWrites: UnawaitedWrites = new UnawaitedWrites(silentSlips);
