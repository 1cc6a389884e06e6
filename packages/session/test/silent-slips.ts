import { UnawaitedWrites } from "../src/connection/unawaited-writes.js";
import { silentLogger } from "../src/diagnostics.js";
import { SlipReporter } from "../src/slip-reporter.js";

/** A reporter of slips for peers whose tests make none. */
export const silentSlips: SlipReporter = new SlipReporter(silentLogger, "peer");

/** Watches the writes of tests that let none be rejected unawaited. */
export const unawaitedWrites: UnawaitedWrites = new UnawaitedWrites(silentSlips);
