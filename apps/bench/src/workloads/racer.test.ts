import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { Racer } from "./racer.js";

/** Starts a process of this program, which connects no clients. */
function start(program: string) {
  const file = join(temporaryDirectory(), "racer.cjs");
  writeFileSync(file, program);
  const child = fork(file, { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, racer: new Racer(child) };
}

it("gives the times of each race", async () => {
  const { racer } = start(`
    process.on("message", (each) => process.send({ fastestMs: each, slowestMs: 2 * each }));
    process.send("connected");
  `);
  await racer.connected();
  expect(await racer.race(3)).toEqual({ fastestMs: 3, slowestMs: 6 });
  expect(await racer.race(4)).toEqual({ fastestMs: 4, slowestMs: 8 });
});

it.each([
  ["before its clients are connected", "process.exit(3);", "exit code 3"],
  ["during a race", 'process.on("message", () => process.exit(4)); process.send("connected");', "exit code 4"],
])("rejects when the process ends %s", async (_when, program, how) => {
  const { racer } = start(program);
  await expect(racer.connected().then(() => racer.race(1))).rejects.toThrow(
    `a process of clients ended with ${how} before the workload was over`,
  );
});

it("rejects when the process has ended between two races", async () => {
  const { child, racer } = start('process.on("message", () => {}); process.send("connected");');
  await racer.connected();
  child.kill("SIGKILL");
  await once(child, "exit");
  await expect(racer.race(1)).rejects.toThrow("a process of clients ended with SIGKILL");
});
