import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readDocument } from "./document.js";

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
const units = readDocument("docs/GUIDE.md").fences.filter(({ words: [language] }) => language === "ini");

test.runIf(hasSystemd)("the systemd units of the guide are accepted by systemd-analyze verify", () => {
  const folder = mkdtempSync(join(tmpdir(), "ipc-units-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = units.map(({ words: [, name = ""], code }) => {
    const file = join(folder, name);
    writeFileSync(file, code.replaceAll("/usr/bin/node", process.execPath));
    return file;
  });
  expect(files).toHaveLength(2);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], {
    encoding: "utf8",
  });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
});
