// Keeps a processor core busy until the process that forked it ends it, or is gone.
import { setImmediate } from "node:timers/promises";

/** For so long it spins before it looks whether it is to end. */
const SPIN_MS = 20;

process.once("disconnect", () => process.exit());
process.send?.("spinning");
for (;;) {
  for (const from = performance.now(); performance.now() - from < SPIN_MS; );
  await setImmediate();
}
