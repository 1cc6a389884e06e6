// Measures messages with `resume` beside the same without, and exits with 1 when they are too slow. usage: resume/main.js [--rounds N]
// [--record]
import { playScenario } from "@ipc-internal/stress";
import { resume } from "./resume.js";

await playScenario("resume", resume, process.argv.slice(2));
