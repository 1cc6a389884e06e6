// Loads the built packages in a realm of their own, as Jest and Vitest's vmThreads do: the errors of Node's core are no
// `instanceof Error` there. Prints what became of each attempt as JSON.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import vm from "node:vm";

const directory = process.env.XDG_RUNTIME_DIR;
// As jest-environment-node: Node's globals, and the language's own ones made anew.
const SHARED = ["process", "Buffer", "performance", "AbortController", "queueMicrotask", "Uint8Array", "ArrayBuffer"];
const context = vm.createContext(Object.fromEntries(SHARED.map((name) => [name, globalThis[name]])));
const modules = new Map();

/** The `require` of a file: Node's own modules come from outside the realm, all others are run in it. */
function requireOf(file) {
  const require = createRequire(file);
  return (specifier) => (isBuiltin(specifier) ? require(specifier) : load(require.resolve(specifier)));
}

function load(file) {
  const loaded = modules.get(file);
  if (loaded !== undefined) return loaded.exports;
  const module = { exports: {} };
  modules.set(file, module);
  const names = ["module", "exports", "require", "__filename", "__dirname"];
  const run = vm.compileFunction(readFileSync(file, "utf8"), names, { filename: file, parsingContext: context });
  run(module, module.exports, requireOf(file), file, dirname(file));
  return module.exports;
}

const require = requireOf(import.meta.filename);
const { startServer, tcp } = require("@ipc/server");
const { startClient } = require("@ipc/client");

async function outcome(starting) {
  try {
    const peer = await starting;
    const { status } = peer;
    await peer.close();
    return status;
  } catch (error) {
    return error.code ?? String(error);
  }
}

function leaveSocket(path) {
  const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", program]);
}

const results = {};
const server = await startServer({ name: "a", directory });
results.connect = await outcome(startClient({ name: "a", directory, signal: AbortSignal.timeout(60_000) }));
await server.close();
leaveSocket(join(directory, "s.sock"));
results.staleSocket = await outcome(startServer({ name: "s", directory }));
leaveSocket(join(directory, "n.sock"));
results.refusedDial = await outcome(startClient({ name: "n", directory, retry: false }));
const taken = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => taken.once("listening", resolve));
results.takenPort = await outcome(startServer({ name: "t", transport: tcp({ port: taken.address().port }) }));
taken.close();
results.keyFile = await outcome(startServer({ name: "k", directory, security: { keyFile: true } }));
console.log(JSON.stringify(results));
process.exit();
