import { describe, expect, it } from "vitest";
import { COMMANDS as ALL } from "../program/table.js";
import { findCandidates, type Lookup } from "./candidate.js";

const COMMANDS = ALL.filter(({ isHidden }) => isHidden !== true);
const named = (...values: readonly string[]) => values.map((value) => ({ value, summary: "" }));
const lookup: Lookup = {
  endpoints: async () => named("orders", "other", "prices"),
  methods: async (_command, { args }) => (args[0] === "orders" ? named("get", "watch") : []),
};

/** Returns the words that may stand at the end of a command line. */
async function complete(...words: readonly string[]): Promise<readonly string[] | "files"> {
  const found = await findCandidates(COMMANDS, words, lookup);
  return found === "files" ? found : found.map(({ value }) => value);
}

describe("the candidates of a completion", () => {
  it("are the commands at the beginning, and after help", async () => {
    expect(await complete("p")).toEqual(["ping"]);
    expect(await complete("")).toEqual([...COMMANDS.map(({ name }) => name), "help"]);
    expect(await complete("help", "li")).toEqual(["listen"]);
  });

  it("are the flags of the command, and of no other", async () => {
    expect(await complete("ping", "--co")).toEqual(["--count"]);
    expect(await complete("ls", "--co")).toEqual([]);
    expect(await complete("ls", "orders", "--hel")).toEqual(["--help"]);
    expect(await complete("unknown", "--")).toEqual([]);
  });

  it("are the names of servers for NAME, and the methods of that server for METHOD", async () => {
    expect(await complete("ping", "o")).toEqual(["orders", "other"]);
    expect(await complete("call", "orders", "")).toEqual(["get", "watch"]);
    expect(await complete("describe", "orders", "w")).toEqual(["watch"]);
    expect(await complete("call", "-d", "/run", "prices", "")).toEqual([]);
  });

  it("are files for the values of options that take one", async () => {
    expect(await complete("ping", "--directory", "")).toBe("files");
    expect(await complete("ping", "orders", "-d", "/r")).toBe("files");
    expect(await complete("key", "new", "")).toBe("files");
    expect(await complete("serve", "orders", "--", "ca")).toBe("files");
  });

  it("are the words of a choice, and nothing for a value that only the user knows", async () => {
    expect(await complete("key", "")).toEqual(["new", "show"]);
    expect(await complete("key", "new", "--kind", "i")).toEqual(["identity"]);
    expect(await complete("ping", "--count", "")).toEqual([]);
    expect(await complete("ping", "orders", "")).toEqual([]);
  });

  it("pass over a value that is left out, and over one in the same word", async () => {
    expect(await complete("ping", "--key-file", "--count=3", "p")).toEqual(["prices"]);
    expect(await complete("ping", "--key-file", "")).toBe("files");
  });
});
