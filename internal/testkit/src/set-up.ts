// Runs before the imports of each test file of a process that runs many. vitest fetches and compiles the file anew for each of them, and
// what it imports once.
import "./fixed-seed.js";
import "./node-timers.js";
import { assertRealClock } from "./real-clock.js";
import { rejectWarnings } from "./unexpected-warnings.js";
import "./unhurried-timers.js";

assertRealClock();
rejectWarnings();
