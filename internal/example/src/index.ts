export { type ExampleOptions, exampleOptions, waitBetweenSteps } from "./environment.js";
export { runProcesses, type Staging } from "./processes.js";
