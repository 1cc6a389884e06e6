import { runProcesses } from "@ipc-internal/example";

console.log("Reads that give up after a while and lose nothing. Each line names the process that prints it.\n");
await runProcesses({
  server: new URL("server.js", import.meta.url),
  client: new URL("client.js", import.meta.url),
});
console.log("\nBoth ended by themselves; no socket file is left. The code is in apps/timed/src.");
