// Loads the built packages in a realm of their own, as Jest and Vitest's vmThreads do: the errors of Node's core are no
// `instanceof Error` there. Run with --experimental-vm-modules; prints what became of each attempt as JSON.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const directory = process.env.XDG_RUNTIME_DIR;
// As jest-environment-node: Node's globals, and the language's own ones made anew.
const SHARED = ["process", "Buffer", "performance", "AbortController", "queueMicrotask", "Uint8Array", "ArrayBuffer"];
const context = vm.createContext(Object.fromEntries(SHARED.map((name) => [name, globalThis[name]])));
const modules = new Map();

function load(url) {
  if (!modules.has(url)) modules.set(url, url.startsWith("node:") ? builtin(url) : source(url));
  return modules.get(url);
}

async function builtin(identifier) {
  const real = await import(identifier);
  const names = Object.keys(real);
  return new vm.SyntheticModule(
    names,
    function setExports() {
      for (const name of names) this.setExport(name, real[name]);
    },
    { context, identifier },
  );
}

async function source(identifier) {
  return new vm.SourceTextModule(readFileSync(fileURLToPath(identifier), "utf8"), { context, identifier });
}

const link = (specifier, from) =>
  load(specifier.startsWith("node:") ? specifier : import.meta.resolve(specifier, from.identifier));

async function evaluate(specifier) {
  const module = await load(import.meta.resolve(specifier));
  if (module.status === "unlinked") await module.link(link);
  if (module.status !== "evaluated") await module.evaluate();
  return module.namespace;
}

const { startServer, tcp } = await evaluate("@ipc/server");
const { startClient } = await evaluate("@ipc/client");

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
