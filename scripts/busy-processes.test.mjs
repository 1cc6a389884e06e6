import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";

const MODULE = new URL("busy-processes.mjs", import.meta.url).href;

/**
 * Runs a program that starts two busy processes. They inherit its stdout, so that stdout ends when all three are gone.
 * @param {string} text calls `startBusyProcesses`
 */
function runParent(text) {
  const program = `import { startBusyProcesses } from ${JSON.stringify(MODULE)}; ${text}`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  return { parent, exit: once(parent, "exit"), gone: once(parent.stdout, "end") };
}

it("ends all busy processes", async () => {
  const { parent, exit, gone } = runParent(`
    const end = await startBusyProcesses(2);
    await end();
    console.log("ended");
  `);
  const [output] = await once(parent.stdout, "data");
  expect(String(output)).toBe("ended\n");
  expect(await exit).toEqual([0, null]);
  await gone;
});

it.each([
  ["before they are busy", "void startBusyProcesses(2)"],
  ["while they are busy", "await startBusyProcesses(2)"],
])("leaves no busy process when the parent is killed %s", async (_, start) => {
  const { parent, exit, gone } = runParent(`${start}; console.log("started");`);
  await once(parent.stdout, "data");
  parent.kill("SIGKILL");
  expect(await exit).toEqual([null, "SIGKILL"]);
  parent.stdout.resume();
  await gone;
});
