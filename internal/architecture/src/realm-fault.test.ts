import { expect, test } from "vitest";
import { findRealmFaults } from "./realm-fault.js";
import { filesUnder, readText } from "./source-tree.js";

const sources = filesUnder("packages", [".ts"]).filter((file) => /\/src\//.test(file) && !file.endsWith(".test.ts"));

test("no source of a package judges a foreign value by instanceof or uses a global timer", () => {
  const faults = sources.flatMap((file) => findRealmFaults(file, readText(file)).map((fault) => `${file}: ${fault}`));
  expect(faults).toEqual([]);
});

test.each([
  ["a class of the realm", "x instanceof Error;", ["instanceof Error"]],
  ["a class of Node's", 'import { Socket } from "node:net"; x instanceof Socket;', ["instanceof Socket"]],
  ["a class of another package", 'import { A } from "@ipc/session"; x instanceof A;', ["instanceof A"]],
  ["a class of the own package", 'import { A } from "./a.js"; x instanceof A;', []],
  ["a class declared below", "x instanceof A; class A {}", []],
  ["a class by an expression", "x instanceof (y.z);", ["instanceof (computed)"]],
  ["a global timer", "setTimeout(f, 1);", ["global setTimeout"]],
  ["a timer of the global object", "globalThis.setImmediate(f);", ["global setImmediate"]],
  ["an imported timer", 'import { setTimeout } from "node:timers"; setTimeout(f, 1);', []],
  ["a timer in a comment", "// setTimeout(f, 1)", []],
])("for %s, the check of %j finds %j", (_what, text, faults) => {
  expect(findRealmFaults("a.ts", text)).toEqual(faults);
});
