import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcesses } from "@ipc-internal/example";

console.log(
  "A socket that every user may connect to, and a key file that only one can read. A client with it is accepted.\n",
);

// A key file stays for the next start of its server. This one lies where the example can remove it.
const runtime = await mkdtemp(join(tmpdir(), "ipc-example-runtime-"));
process.env["XDG_RUNTIME_DIR"] = runtime;
try {
  await runProcesses(
    {
      server: new URL("server.js", import.meta.url),
      stranger: new URL("stranger.js", import.meta.url),
      client: new URL("client.js", import.meta.url),
    },
    { inTurn: true, directoryMode: 0o755 },
  );
} finally {
  await rm(runtime, { recursive: true });
}
console.log("\nAll ended by themselves; no file is left, the key file neither. The code is in apps/keyfile/src.");
