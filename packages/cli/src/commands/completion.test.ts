import { execFile, spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startServerManager } from "@ipc/manager";
import { method, serve, stream } from "@ipc/rpc";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { IPC, plainEnvironment, runIpc } from "../../test/ipc-process.js";

const run = promisify(execFile);

interface Shell {
  readonly flags: readonly string[];
  /** Reads the script. */
  readonly start: string;
  /** Asks for the completions of a command line, as the line editor would. */
  readonly complete: (words: readonly string[]) => string;
}

const SHELLS: Readonly<Record<string, Shell>> = {
  bash: {
    flags: ["--norc", "--noprofile", "-c"],
    start: "source <(ipc completion bash)",
    complete: (words) =>
      `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _ipc; printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  zsh: {
    flags: ["-fc"],
    // The reader of the candidates needs a line editor, so it is another one here.
    start: `compdef() { :; }; _describe() { print -l -- "\${(@P)4}"; }; source <(ipc completion zsh)`,
    complete: (words) => `words=(${words.join(" ")}); CURRENT=${words.length}; _ipc`,
  },
  fish: {
    flags: ["--no-config", "-c"],
    start: "ipc completion fish | source",
    complete: (words) => `complete -C "${words.join(" ")}"`,
  },
};

function whyNot(shell: string): string | undefined {
  if (spawnSync(shell, ["-c", "exit"]).status === 0) return undefined;
  if (process.env["CI"] !== undefined && process.platform === "linux")
    throw new Error(`no ${shell}, which the tests of the command need`);
  return `no ${shell}`;
}

describe.each(Object.entries(SHELLS))("ipc completion %s", (shell, { flags, start, complete }) => {
  const missing = whyNot(shell);
  const title = missing === undefined ? "" : ` (skipped: ${missing})`;

  it.skipIf(missing !== undefined)(`completes flags and the names of servers in that shell${title}`, async () => {
    const directory = temporaryDirectory();
    symlinkSync(IPC, join(directory, "ipc"));
    const manager = await startServerManager({ name: "orders", directory });
    onTestFinished(() => manager.destroy());
    const lines = [
      ["ipc", "ping", "--time"],
      ["ipc", "ping", "-d", directory, "or"],
    ];
    const { PATH = "" } = process.env as { readonly PATH?: string };
    const env = { ...plainEnvironment(), PATH: `${directory}:${PATH}`, HOME: directory };
    const { stdout } = await run(shell, [...flags, [start, ...lines.map(complete)].join("\n")], { env });
    expect(stdout.split("\n").map((line) => line.split(/[\t:]/)[0])).toEqual(["--timeout", "orders", ""]);
  });
});

describe("ipc completion", () => {
  it("prints the methods that a server describes", async () => {
    const directory = temporaryDirectory();
    const manager = await startServerManager({ name: "orders", directory });
    onTestFinished(() => manager.destroy());
    const get = method<number, number>();
    serve(manager, { get, watch: stream<void, number>() }, { get: (id) => id, async *watch() {} });
    const { stdout } = await runIpc(["complete", "--", "call", "-d", directory, "orders", ""]);
    expect(stdout).toBe("get\tunary\nwatch\tstream\n");
  });

  it("exits with 2 for a shell that it does not know", async () => {
    const { code, stderr } = await runIpc(["completion", "tcsh"]);
    expect(stderr).toBe('error: ipc completion takes bash, zsh or fish, got "tcsh"\n');
    expect(code).toBe(2);
  });
});
