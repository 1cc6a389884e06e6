export { recordFigures } from "./figures.js";
export { type RunOptions, readRunOptions } from "./run-options.js";
export { SeededRandom } from "./seeded-random.js";
export { groupDigits, table } from "./table.js";
export { Waits } from "./waits.js";
