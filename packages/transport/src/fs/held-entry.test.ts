import { chmodSync, lstatSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { leaveStaleSocket, openUnder, pretendPlatform, scratchDirectory } from "../../test/scratch.js";
import { HeldEntry } from "./held-entry.js";

const onLinux = test.runIf(process.platform === "linux");

onLinux("leads to the file that was opened when another one has its name", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await leaveStaleSocket(path);
  const held = HeldEntry.open(path);
  if (held === undefined) throw new Error("no socket was left");
  renameSync(path, `${path}.moved`);
  writeFileSync(`${path}.victim`, "precious", { mode: 0o600 });
  symlinkSync(`${path}.victim`, path);
  chmodSync(held.path, 0o777);
  expect(statSync(`${path}.moved`).mode & 0o777).toBe(0o777);
  expect(statSync(`${path}.victim`).mode & 0o777).toBe(0o600);
  expect([held.isHeld, held.isUnchanged()]).toEqual([true, true]);
  expect(openUnder(path)).toEqual([`${path}.moved`]);
  held.close();
  expect(openUnder(path)).toEqual([]);
  held.close();
  expect(held.isHeld).toBe(false);
});

test("opens no link, and returns undefined for a missing entry", () => {
  const directory = scratchDirectory();
  symlinkSync("/nowhere", join(directory, "link"));
  const held = HeldEntry.open(join(directory, "link"));
  expect(held?.stats.isSymbolicLink()).toBe(true);
  held?.close();
  expect(HeldEntry.open(join(directory, "missing"))).toBeUndefined();
});

test("reports later that the name leads elsewhere when the system has no paths of descriptors", async () => {
  pretendPlatform("darwin");
  const path = join(scratchDirectory(), "a.sock");
  await leaveStaleSocket(path);
  const held = HeldEntry.open(path);
  expect(held).toMatchObject({ path, isHeld: false, stats: { ino: lstatSync(path, { bigint: true }).ino } });
  expect(held?.isUnchanged()).toBe(true);
  renameSync(path, `${path}.moved`);
  expect(held?.isUnchanged()).toBe(false);
  await leaveStaleSocket(path);
  expect(held?.isUnchanged()).toBe(false);
  expect(HeldEntry.open(`${path}.missing`)).toBeUndefined();
});
