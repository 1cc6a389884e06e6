import { runProcesses } from "@ipc-internal/example";

const isFast = process.env["FAST"] === "true";
console.log(
  isFast
    ? "A manager polls three clients; each iteration ends with the first that has a message (FAST=true).\n"
    : "A manager polls three clients; each iteration ends with the slowest. FAST=true: with the first.\n",
);
await runProcesses({
  manager: new URL("manager.js", import.meta.url),
  slow: new URL("slow-client.js", import.meta.url),
  quick1: new URL("client.js", import.meta.url),
  quick2: new URL("client.js", import.meta.url),
});
console.log("\nAll ended by themselves; no socket file is left. The code is in apps/multiclient/src.");
