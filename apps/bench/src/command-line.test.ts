import { describe, expect, it } from "vitest";
import { commandLine, readOptions } from "./command-line.js";

const read = (line: string) =>
  readOptions(
    line.split(" "),
    commandLine()
      .exitOverride()
      .configureOutput({ writeErr: () => {} }),
  );

describe("the command line", () => {
  it("reads a revision, its rounds and the words of --only", () => {
    expect(read("--against HEAD~1 --rounds 20 --only fan-in secure --quick")).toEqual({
      ...{ against: "HEAD~1", rounds: 20, only: ["fan-in", "secure"], quick: true },
    });
  });

  it("reads a ratio for all rates, and others for names", () => {
    expect(read("--against main --at-least 0.9 exchange+awaited=0.8").atLeast).toEqual([
      { names: [], ratio: 0.9 },
      { names: ["exchange", "awaited"], ratio: 0.8 },
    ]);
  });

  it.each([
    ["--against", "argument missing"],
    ["--at-least 0.9", "'--at-least <ratios...>' needs '--against <rev>'"],
    ["--against main --at-least fast", "fast is neither RATIO nor NAME"],
    ["--as-users-run", "'--as-users-run' needs '--against <rev>'"],
    ["--record", "'--record' needs '--against <rev>'"],
    ["--against main --rounds 0", "integer from 1 on"],
    ["--against main --rounds 1.5", "integer from 1 on"],
    ["--against main --rounds many", "integer from 1 on"],
    ["--against main --write", "cannot be used with option '--write'"],
    ["--against main --render", "cannot be used with option '--render'"],
    ["--against main --json out.json", "cannot be used with option '--json <file>'"],
  ])("refuses %s", (line, message) => {
    expect(() => read(line)).toThrow(message);
  });
});
