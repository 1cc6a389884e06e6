// Measures how long a fresh client process takes from its start to its first answer, and cold imports; prints both, and exits
// with 1 when ours take longer than those of ws in the same run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServerManager } from "@ipc/manager";
import { markdownTable } from "markdown-table";
import { WebSocketServer } from "ws";

const ROUNDS = Number(process.argv[2] ?? 30);
const ANSWER = "hello";
const LIBRARIES = ["@ipc/client", "ws", "node-ipc", "zeromq", "vscode-jsonrpc/node"];

/** Milliseconds from the start of a process to its first output. */
async function measureProcess(args: readonly string[], expected?: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let output = "";
  let ms = Number.NaN;
  child.stdout.on("data", (chunk) => {
    ms = performance.now() - started;
    output += chunk;
  });
  await closed;
  const text = output.trim();
  if (text === "" || (expected !== undefined && text !== expected))
    throw new Error(`${args.join(" ")} printed "${text}"`);
  return expected === undefined ? Number(text) : ms;
}

/** Milliseconds that the import of a package takes in a process that has not loaded anything. */
function measureImport(name: string): Promise<number> {
  const program = `const at = performance.now(); await import("${name}"); console.log(performance.now() - at);`;
  return measureProcess(["--input-type=module", "--eval", program]);
}

/** Measures alternately, so that a change of the machine's load meets all; returns the medians. */
async function medians(measures: Readonly<Record<string, () => Promise<number>>>): Promise<Record<string, number>> {
  const samples = new Map(Object.keys(measures).map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, measure] of Object.entries(measures)) samples.get(name)?.push(await measure());
  }
  return Object.fromEntries(
    [...samples].map(([name, all]) => [name, all.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN]),
  );
}

const program = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));
const print = (title: string, all: Readonly<Record<string, number>>): void =>
  console.log(`\n${markdownTable([[title, "ms"], ...Object.entries(all).map(([name, ms]) => [name, ms.toFixed(1)])])}`);

const folder = await mkdtemp(join(tmpdir(), "ipc-start-"));
const [bare, web] = [join(folder, "bare.sock"), join(folder, "web.sock")];
const name = `ipc-start-${process.pid}`;
const manager = await startServerManager({ name });
manager.on("message", (connection, message) => void connection.write(message.type, message.data));
const bareServer = createServer((socket) => void socket.on("error", () => {}).pipe(socket)).listen(bare);
const http = createHttpServer().listen(web);
new WebSocketServer({ server: http }).on("connection", (socket) => {
  socket.on("message", (data) => socket.send(String(data)));
});

const starts = await medians({
  "bare socket": () => measureProcess([program("bare"), bare], ANSWER),
  ws: () => measureProcess([program("web-socket"), web], ANSWER),
  "@ipc/client, secure": () => measureProcess([program("ours"), name], ANSWER),
});
const imports = await medians(Object.fromEntries(LIBRARIES.map((library) => [library, () => measureImport(library)])));
print(`start to first answer, median of ${ROUNDS}`, starts);
print("cold import", imports);

const isMet = (all: Readonly<Record<string, number>>, ours: string): boolean =>
  (all[ours] ?? Number.NaN) <= (all["ws"] ?? Number.NaN);
const targets = {
  "start to first answer": isMet(starts, "@ipc/client, secure"),
  "cold import": isMet(imports, "@ipc/client"),
};
for (const [what, met] of Object.entries(targets)) if (!met) console.log(`missed: ${what} ≤ that of ws`);
process.exitCode = Object.values(targets).every(Boolean) ? 0 : 1;

await manager.close();
bareServer.close();
http.close().closeAllConnections();
await rm(folder, { recursive: true, force: true });
