import { runProcesses } from "@ipc-internal/example";

console.log("Two processes count, and a proxy cuts their connection ten times a second. Then the server dies.\n");
await runProcesses(
  {
    client: new URL("client.js", import.meta.url),
    server: new URL("server.js", import.meta.url),
    restarted: new URL("server.js", import.meta.url),
  },
  { inTurn: true },
);
console.log("\nAll ended by themselves; no socket file is left. The code is in apps/resume/src.");
