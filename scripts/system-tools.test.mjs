import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ROOT } from "./section.mjs";

/**
 * Runs the script on a machine that has these programs and nothing else. Each keeps the arguments that it is called with.
 * @param {Record<string, string>} programs what each does then, in the shell
 */
function installTools(programs) {
  const bin = mkdtempSync(join(tmpdir(), "ipc-system-tools-"));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  const calls = join(bin, "calls");
  writeFileSync(calls, "");
  for (const [name, does] of Object.entries(programs)) {
    const text = `#!/bin/sh\necho "${name} $*" >> ${calls}\n${does}\n`;
    writeFileSync(join(bin, name), text, { mode: 0o755 });
  }
  const options = { env: { PATH: bin }, encoding: /** @type {const} */ ("utf8") };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "system-tools.mjs")], options);
  return { status, stdout, stderr, calls: readFileSync(calls, "utf8").split("\n").slice(0, -1) };
}

/** A user who is not root becomes it. */
const SUDO = { sudo: 'shift; exec "$@"' };

describe.skipIf(process.platform === "win32")("the script that installs system tools", () => {
  it("installs nothing that is there", () => {
    const { status, stdout, calls } = installTools({ spin: "", tmux: "", zsh: "", fish: "", "apt-get": "" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "spin, tmux, zsh, fish: there\n" });
    expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);
  });

  it("installs what is missing", () => {
    const { status, stdout, calls } = installTools({ tmux: "", zsh: "", "apt-get": "", ...SUDO });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "spin, fish: installed\n" });
    expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual([
      "apt-get --version",
      "apt-get -qq update",
      "apt-get -qq install --yes --no-install-recommends spin gcc libc6-dev fish",
    ]);
  });

  it("says what is skipped when there is no apt-get", () => {
    const { status, stdout } = installTools({});
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: "spin, tmux, zsh, fish: not there, and no apt-get; their tests are skipped\n",
    });
  });

  it("fails when apt-get does", () => {
    const { status, stderr } = installTools({ spin: "", zsh: "", fish: "", "apt-get": '[ "$2" != install ]', ...SUDO });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "tmux: apt-get could not install tmux; their tests are skipped\n",
    });
  });
});
