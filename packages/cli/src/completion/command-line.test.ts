import { describe, expect, it } from "vitest";
import { COMMANDS } from "../program/table.js";
import { readCommandLine } from "./command-line.js";

/** Returns what a command line before the cursor gives to `ipc call`. */
function read(...words: readonly string[]) {
  const call = COMMANDS.find(({ name }) => name === "call");
  if (call === undefined) throw new Error("there is no command call");
  const { args, given, placeholder } = readCommandLine(call, words);
  return { args, given: Object.fromEntries(given), placeholder };
}

describe("a command line", () => {
  it.each([
    ["--psk-file=/a=b", { pskFile: ["/a=b"] }],
    ["--psk-file=", { pskFile: [""] }],
    ["-d/run", { directory: ["/run"] }],
    ["-d=/run", { directory: ["=/run"] }],
    ["-qv", { quiet: true, verbose: true }],
    ["-qd/run", { quiet: true, directory: ["/run"] }],
    ["--items", { items: true }],
    ["-Z", {}],
  ])("with %s gives %j, and goes on with the next argument", (word, given) => {
    expect(read(word, "orders")).toEqual({ args: ["orders"], given, placeholder: "method" });
  });

  it.each(["-d", "-qd", "--directory"])("takes the word after %s as its value", (word) => {
    expect(read(word, "/run")).toMatchObject({ args: [], given: { directory: ["/run"] }, placeholder: "name" });
  });
});
