import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
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

  it("rejects when no descriptor is free, and runs the next command", async () => {
    const command = createCommand("cat", []);
    const files: number[] = [];
    let rejected: Promise<Buffer>;
    try {
      expect(() => {
        for (;;) files.push(openSync("/dev/null", "r"));
      }).toThrow("EMFILE");
      rejected = command.answer(Buffer.from("a"));
      rejected.catch(() => {});
    } finally {
      for (const file of files) closeSync(file);
    }
    await expect(rejected).rejects.toThrow("cat: spawn cat EMFILE");
    expect(String(await command.answer(Buffer.from("b")))).toBe("b");
  });

  it("ends while a process that has left the group of its command holds the pipe", async () => {
    const file = join(temporaryDirectory(), "pid");
    const command = new AnswerCommand(
      "sh",
      ["-c", 'setsid sh -c "trap : TERM; echo \\$\\$ > $0; exec sleep 1000" & wait', file],
      1,
    );
    const rejected = command.answer(Buffer.alloc(0));
    rejected.catch(() => {});
    const pid = await eventually(() => {
      const text = readFileSync(file, "utf8");
      expect(text).toMatch(/^\d+\n$/);
      return Number(text);
    });
    onTestFinished(() => void process.kill(pid, "SIGKILL"));
    await command.end();
    await expect(rejected).rejects.toThrow("sh: ended by SIGTERM");
  });

  it("starts none after its end", async () => {
    const command = createCommand("cat", []);
    await command.end();
    await expect(command.answer(Buffer.alloc(0))).rejects.toThrow("cat: not started, because the server ends");
  });
});
