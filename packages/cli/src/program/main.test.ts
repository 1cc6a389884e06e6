import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { describeInTerminal, runInTerminal } from "../../test/ipc-terminal.js";
import { serveOrders } from "../../test/orders-server.js";
import { createParser } from "./program.js";
import { COMMANDS } from "./table.js";

/** Parses a command line as the command does, and returns what would be run, or what would be printed. */
async function parse(
  words: readonly string[],
): Promise<{ name?: string; args?: unknown; rest?: unknown; printed: string }> {
  let printed = "";
  let found = {};
  const print = (text: string): void => {
    printed += text;
  };
  const parser = createParser("1.2.3", { out: print, err: print }, async ({ command, args, rest }) => {
    found = { name: command.name, args, rest };
  });
  await parser.parseAsync(words, { from: "user" }).catch((error: unknown) => {
    found = { name: (error as { code: string }).code };
  });
  return { ...found, printed };
}

describe("the table of commands", () => {
  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    "%s has examples that parse",
    async (name, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        // A shell's parts around the command are left out; a quoted argument is one word.
        const [, line = ""] = /(?:^|\| )ipc ([^|&>]*)/.exec(example) ?? [];
        const words = (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, "$1"));
        expect(await parse(words)).toMatchObject({ name, printed: "" });
      }
    },
  );

  it.each(COMMANDS.map(({ name, options }) => [name, options] as const))(
    "%s has each option once",
    (_name, options) => {
      const flags = Object.values(options).flatMap(({ form }) => form.match(/(?<![\w-])--?[a-z-]+/g) ?? []);
      expect(flags.length).toBe(new Set(flags).size);
    },
  );
});

describe("the command line", () => {
  it("takes words after -- as they are", async () => {
    expect(await parse(["serve", "orders", "--", "sh", "-c", "x"])).toMatchObject({
      args: ["orders"],
      rest: ["sh", "-c", "x"],
    });
    expect(await parse(["send", "orders", "--", "-t3"])).toMatchObject({ args: ["orders", "-t3"] });
  });

  it.each([
    [["pign", "x"], "commander.unknownCommand", "Did you mean ping?"],
    [["ping", "x", "--cuont", "1"], "commander.unknownOption", "Did you mean --count?"],
    [["ping"], "commander.missingArgument", "missing required argument 'name'"],
    [["ping", "x", "-c"], "commander.optionMissingArgument", "argument missing"],
    [["ls", "x"], "commander.excessArguments", "too many arguments"],
  ])("rejects %j", async (words, name, text) => {
    const found = await parse(words);
    expect(found.name).toBe(name);
    expect(found.printed).toContain(text);
  });
});

describe("ipc", () => {
  it("exits with 0 for help and the version, and with 2 for wrong arguments", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await runIpc(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect(await runIpc(["ping", "--help"])).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^Usage: ipc ping/),
    });
    expect(await runIpc([])).toMatchObject({ code: 2, stdout: "" });
    const wrong = await runIpc(["ping", "orders", "-c", "0"]);
    expect(wrong).toEqual({
      code: 2,
      stdout: "",
      stderr: 'error: --count takes a whole number from 1 to 1000000000, got "0"\n',
    });
  });

  it("exits with 129 at SIGHUP", async () => {
    const ipc = new IpcProcess(["serve", "other", "-d", temporaryDirectory()]);
    await ipc.complaint("listening");
    ipc.child.kill("SIGHUP");
    expect((await ipc.outcome).code).toBe(129);
  });
});

describeInTerminal("every command", (columns) => {
  it("prints in a terminal what it prints in a pipe, with colours unless NO_COLOR is set", async () => {
    const { at } = await serveOrders();
    const commands = [
      ["ls", ...at],
      ["ping", "orders", ...at],
      ["send", "orders", "hello", "--wait", "1", ...at],
      ["listen", "orders", "-q", "--idle", "1ms", ...at],
      ["call", "orders", "get", "@/dev/null", ...at],
      ["describe", "orders", "get", ...at],
    ];
    const outcomes = await Promise.all(commands.map((command) => runIpc(command)));
    const piped = outcomes.map(({ stdout, stderr }) => stderr + stdout).join("");
    const lines = commands.map((command) => command.join(" "));
    const hasColors = columns === 80;
    const env = hasColors ? {} : { NO_COLOR: "1" };
    const { screen } = await runInTerminal(lines, { columns, rows: 200, env, colors: true });
    expect(screen.includes("\u001b[32mlistening\u001b[39m")).toBe(hasColors);
    expect(screen.includes("\u001b")).toBe(hasColors);
    expect(comparable(screen)).toBe(comparable(piped));
  });
});

/** A text without what differs: colours, where lines are cut, and how long something took. */
function comparable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s+/g, "")
    .replaceAll(/time=[\d.]+[mµ]?s/g, "time");
}
