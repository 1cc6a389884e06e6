import { runProcesses } from "@ipc-internal/example";

console.log("A daemon and two clients, three processes. Each line names the process that prints it.\n");
await runProcesses({
  daemon: new URL("manager.js", import.meta.url),
  client: new URL("client.js", import.meta.url),
  slow: new URL("slow-client.js", import.meta.url),
});
console.log("\nAll ended by themselves; no socket file is left. The code is in apps/calls/src.");
