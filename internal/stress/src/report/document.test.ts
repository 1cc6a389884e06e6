import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeMachine, replaceSection } from "./document.js";

/** The commands of sections that are no scenario of `npm run stress`. */
const COMMANDS: Readonly<Record<string, string>> = {
  fuzz: "`npm run fuzz",
  broker: "`npm run bench:broker -- --record`",
  start: "`npm run bench:start -- --record`",
  command: "`npm run bench:command -- --record`",
  resume: "`npm run bench:resume -- --record`",
};

const DOCUMENT = "# Title\n\n<!-- begin faults -->\n\nold\n\n<!-- end faults -->\n\nthe rest\n";

it("replaces the text between the markers, and nothing else", () => {
  const once = replaceSection(DOCUMENT, "faults", "new\n");
  expect(once).toBe(DOCUMENT.replace("old", "new"));
  expect(replaceSection(once, "faults", "new\n")).toBe(once);
});

it.each([
  ["no markers", "# Title\n"],
  ["two pairs of markers", DOCUMENT.repeat(2)],
  ["markers in the wrong order", DOCUMENT.replace("begin", "x").replace("end", "begin").replace("x", "end")],
])("rejects a document that has %s of the section", (_what, document) => {
  expect(() => replaceSection(document, "faults", "new")).toThrow("needs one pair of markers of faults");
});

it("describes the machine in one line", () => {
  expect(describeMachine()).toMatch(/^Measured on \d{4}-\d\d-\d\d from .+ GiB, .+ Node v\d+.+ load average [\d.]+/);
});

describe.each([
  ["ROBUSTNESS.md", ["network", "fuzz", "attack", "kill", "ownership", "soak"]],
  ["SCALE.md", ["many-clients", "stalled-reader", "come-and-go", "idle-connections"]],
  ["BENCHMARKS.md", ["start", "command", "resume"]],
  ["MACHINES.md", ["broker"]],
])("docs/%s", (page, names) => {
  const text = readFileSync(new URL(`../../../../docs/${page}`, import.meta.url), "utf8");

  it.each(names)("has the recorded figures of %s, the machine and the command", (name) => {
    const section = text.split(`<!-- begin ${name} -->`)[1]?.split(`<!-- end ${name} -->`)[0];
    expect(section).toMatch(/^\n\nMeasured on \d{4}-\d\d-\d\d.*: .+ Node v\d+/);
    expect(section).toMatch(/\n\| .*\d.* \|\n/);
    expect(text).toContain(COMMANDS[name] ?? `\`npm run stress -- ${name}`);
  });
});
