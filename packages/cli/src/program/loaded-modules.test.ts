import { writeFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { runIpc } from "../../test/ipc-process.js";

/** Prints what a process has loaded, as its last line on stderr. */
const PRELOAD = `process.on("exit", () => process.stderr.write(JSON.stringify(Object.keys(require.cache)) + "\\n"));`;

/** Runs the command and returns what it has loaded: packages by name, and files of its own. */
async function loadedBy(args: readonly string[]): Promise<string[]> {
  const preload = join(temporaryDirectory(), "preload.cjs");
  writeFileSync(preload, PRELOAD);
  const { stderr } = await runIpc(args, { flags: ["--require", preload] });
  const files = JSON.parse(stderr.trim().split("\n").pop() ?? "[]") as string[];
  const names = files.map((file) => nameOf(file.replaceAll(sep, "/"))).filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}

function nameOf(file: string): string | undefined {
  const [, own] = /\/packages\/cli\/dist\/(.*)\.js$/.exec(file) ?? [];
  if (own !== undefined) return own;
  const [, ours] = /\/packages\/([a-z-]+)\/dist\//.exec(file) ?? [];
  if (ours !== undefined) return `@ipc/${ours}`;
  const [, theirs] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(file) ?? [];
  return theirs ?? (posix.basename(file) === "preload.cjs" ? undefined : file);
}

const CLIENT = ["@ipc/client", "@ipc/crypto", "@ipc/framing", "@ipc/session", "@ipc/transport"];
const SHARED = ["ipc", "commander"];

describe("ipc loads", () => {
  it.each([
    { args: ["--help"], packages: [] },
    { args: ["ls", "-d", "/nowhere"], packages: ["@ipc/transport"] },
    { args: ["complete", "--", "ping", "-d", "/nowhere", ""], packages: ["@ipc/transport"], command: "completion" },
    { args: ["ping", "orders", "-d", "/nowhere"], packages: CLIENT },
    { args: ["call", "orders", "x", "-d", "/nowhere"], packages: [...CLIENT, "@ipc/rpc"] },
  ])("$packages for $args", async ({ args, packages, command = args[0] }) => {
    const loaded = await loadedBy(args);
    expect(loaded.filter((name) => name.startsWith("@") || !/^[a-z-]+$/.test(name))).toEqual([...packages].sort());
    expect(loaded).toEqual(expect.arrayContaining(SHARED));
    const commands = [
      "ls",
      "ping",
      "send",
      "listen",
      "serve",
      "call",
      "describe",
      "bench",
      "doctor",
      "key",
      "completion",
    ];
    const own = packages.length === 0 ? [] : [command];
    expect(loaded.filter((name) => commands.includes(name))).toEqual(own);
  });
});
