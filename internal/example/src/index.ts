export { type ExampleOptions, exampleOptions, waitBetweenSteps } from "./environment.js";
export { runProcesses } from "./processes.js";
