// Measures the start of fresh client processes and cold imports, and exits with 1 when ours take longer than those of ws in the
// same run. usage: start/main.js [--rounds N] [--record]
import { playScenario } from "@ipc-internal/stress";
import { start } from "./start.js";

await playScenario("start", start, process.argv.slice(2));
