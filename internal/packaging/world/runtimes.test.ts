import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Project } from "../src/project.js";
import { PeerProcess } from "./peer-process.js";
import { installTools } from "./tools.js";

/** The runtimes themselves are packages of npm. */
const TOOLS = { "@deno/linux-x64-glibc": "2.9.6", "@oven/bun-linux-x64": "1.4.5" };
const isHere = process.platform === "linux" && process.arch === "x64";
const why = isHere ? "" : ` (skipped: no Bun and no Deno for ${process.platform} ${process.arch} in these tests)`;

const MESSAGES = 10_000;
const CLIENTS = 50;
const CALLS = 1_000;
const PAIRS = [
  ["Bun", "Node.js"],
  ["Node.js", "Bun"],
  ["Deno", "Node.js"],
  ["Node.js", "Deno"],
  ["Bun", "Deno"],
  ["Deno", "Bun"],
  ["Bun", "Bun"],
  ["Deno", "Deno"],
] as const;
type Runtime = (typeof PAIRS)[number][number];

let project: Project;
let started = 0;
let commands: Readonly<Record<Runtime, readonly string[]>>;

beforeAll(async () => {
  if (!isHere) return;
  const modules = join(await installTools(TOOLS), "node_modules");
  commands = {
    Bun: [join(modules, "@oven/bun-linux-x64/bin/bun")],
    Deno: [join(modules, "@deno/linux-x64-glibc/deno"), "run", "--allow-all", "--quiet"],
    "Node.js": [process.execPath],
  };
  project = await Project.make("runtimes");
  const names = ["client", "crypto", "framing", "manager", "rpc", "server", "session", "transport"];
  await project.install(
    "npm",
    names.map((name) => `@ipc/${name}`),
  );
  await project.take("manager/consumer.mjs", "formats.mjs");
});

afterAll(() => project?.[Symbol.asyncDispose]());

/** Starts one side of a conversation. */
function start(runtime: Runtime, role: string, directory: string, count = 0): PeerProcess {
  const command = [...commands[runtime], "peer.mjs", role, "orders", directory, String(count)];
  const peer = new PeerProcess(command, project.folder, join(directory, `output-${++started}`));
  onTestFinished(() => peer.kill());
  return peer;
}

async function socketDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-runtimes-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describe.runIf(isHere).each(PAIRS)(`a server on %s and a client on %s${why}`, (server, client) => {
  test(`share a key file and exchange ${MESSAGES} encrypted messages in order`, async () => {
    const directory = await socketDirectory();
    expect(await start(server, "server", directory).line()).toBe("listening");
    expect(await start(client, "client", directory, MESSAGES).line()).toBe(`secure, ${MESSAGES} echoed`);
  });

  test("the client redials when the server was killed and another one started", async () => {
    const directory = await socketDirectory();
    const first = start(server, "server", directory);
    expect(await first.line()).toBe("listening");
    const redialer = start(client, "redial", directory);
    expect(await redialer.line()).toBe("first");
    await first.kill();
    expect(await redialer.line()).toBe("IPC_CONNECTION_LOST");
    expect(await start(server, "server", directory).line()).toBe("listening");
    expect(await redialer.line()).toBe("again");
  });

  test(`call each other: ${CALLS} calls at once, and a stream of as many items`, async () => {
    const directory = await socketDirectory();
    expect(await start(server, "callee", directory).line()).toBe("listening");
    expect(await start(client, "caller", directory, CALLS).line()).toBe(`${CALLS} answered, ${CALLS} items`);
  });

  test(`a manager serves ${CLIENTS} clients at once`, async () => {
    const directory = await socketDirectory();
    expect(await start(server, "manager", directory).line()).toBe("listening");
    expect(await start(client, "crowd", directory, CLIENTS).line()).toBe(`${CLIENTS} answered`);
  });
});

test.runIf(isHere).each(["Bun", "Deno"] as const)(
  `import and require share classes and state on %s${why}`,
  async (runtime) => {
    const [program = "", ...args] = commands[runtime];
    await project.run(program, ...args, "formats.mjs");
  },
);
