// Measures the command ipc from the start of its process to the end, and exits with 1 when its help takes more than 60 ms longer than
// Node.js itself. usage: command/main.js [--rounds N] [--record]
import { playScenario } from "@ipc-internal/stress";
import { command } from "./command.js";

await playScenario("command", command, process.argv.slice(2));
