// Measures connections over a broker beside the broker's own messages, and exits with 1 when a round trip misses its target.
// usage: broker/main.js [--rounds N] [--clients N] [--seconds N] [--record]
import { playScenario } from "@ipc-internal/stress";
import { broker } from "./broker.js";

await playScenario("broker", broker, process.argv.slice(2));
