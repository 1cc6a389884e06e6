export { SeededRandom } from "./random.js";
export { describeMachine, recordSection, replaceSection } from "./report/document.js";
export { count, countTable, groupDigits, mib, sum, table } from "./report/figure.js";
export { playScenario, type Scenario } from "./scenario.js";
export { WIRES, type Wire } from "./traffic/wire.js";
export { Waits } from "./waits.js";
