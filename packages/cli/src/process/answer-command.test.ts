import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { AnswerCommand } from "./answer-command.js";

/** Makes a command that ends with the test. */
function createCommand(command: string, args: readonly string[], jobs = 1): AnswerCommand {
  const answers = new AnswerCommand(command, args, jobs);
  onTestFinished(() => answers.end());
  return answers;
}

describe("AnswerCommand", () => {
  it("runs no more commands at once than it may, in the order of the messages", async () => {
    const log = join(temporaryDirectory(), "log");
    const script = 'read -r line; echo "begin $line" >> "$0"; cat; echo "end $line" >> "$0"; echo "$line!"';
    const command = createCommand("sh", ["-c", script, log]);
    const answers = await Promise.all(["a", "b", "c"].map((line) => command.answer(Buffer.from(`${line}\nrest of `))));
    expect(answers.map(String)).toEqual(["rest of a!\n", "rest of b!\n", "rest of c!\n"]);
    expect(readFileSync(log, "utf8")).toBe("begin a\nend a\nbegin b\nend b\nbegin c\nend c\n");
  });

  it.each([
    ["cannot be started", "/nowhere/command", [], /^\/nowhere\/command: spawn .* ENOENT$/],
    ["ends with another code than 0", "sh", ["-c", "exit 3"], /^sh: ended with 3$/],
    ["is killed", "sh", ["-c", "kill -KILL $$"], /^sh: ended by SIGKILL$/],
    ["prints more than a message may have", "cat", ["/dev/zero"], /^cat: its answer has more than 3145728 bytes$/],
  ] as const)("rejects when the command %s, and runs the next one", async (_what, program, args, message) => {
    const command = createCommand(program, args);
    const rejected = command.answer(Buffer.alloc(100_000));
    await expect(rejected).rejects.toThrow(message);
    await expect(command.answer(Buffer.alloc(0))).rejects.toThrow(message);
  });

  it("starts none after its end", async () => {
    const command = createCommand("cat", []);
    await command.end();
    await expect(command.answer(Buffer.alloc(0))).rejects.toThrow("cat: not started, because the server ends");
  });
});
