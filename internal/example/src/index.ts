export { type ExampleOptions, exampleOptions, waitBetweenSteps } from "./environment.js";
export { runTwoProcesses, type TwoProcesses } from "./two-processes.js";
