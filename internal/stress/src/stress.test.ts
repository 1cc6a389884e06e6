import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../dist/stress.js", import.meta.url));
const NAMES =
  "network kill ownership attack strangers soak resume many-clients stalled-reader come-and-go idle-connections".split(
    " ",
  );

function run(...args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
}

it.each([[[]], [["absent"]], [["toString"]]])("lists each scenario and exits with 1 when called with %j", (args) => {
  const { status, stderr } = run(...args);
  expect(status).toBe(1);
  const lines = stderr.split("\n").filter((line) => /^ {2}\S/.test(line));
  expect(lines.map((line) => line.trim().split(" ")[0])).toEqual(NAMES);
});

it("names an option that the scenario does not have, and exits with 1", () => {
  const { status, stderr } = run("kill", "--seed", "1");
  expect([status, stderr.split("\n").length]).toEqual([1, 2]);
  expect(stderr).toContain("--seed");
});
