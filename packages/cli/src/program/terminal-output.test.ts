import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { startClient } from "@ipc/client";
import { expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { describeInTerminal, IpcTerminal, runInTerminal } from "../../test/ipc-terminal.js";
import { serveOrders } from "../../test/orders-server.js";

describeInTerminal("ipc doctor, bench, key and completion", (columns) => {
  it("print what they print in a pipe, with colours unless NO_COLOR is set, and doctor breaks its lines between words", async () => {
    const { at, directory } = await serveOrders();
    const key = join(directory, "me.pem");
    const commands = [
      ["key", "new", key, "--kind", "identity", "--force"],
      ["key", "show", key],
      ["bench", "orders", ...at, "-n", "20"],
      ["completion", "bash"],
      ["doctor", "orders", ...at, "--psk-file", join(directory, "none.psk")],
    ];
    let piped = "";
    for (const command of commands) {
      const { stdout, stderr } = await runIpc(command);
      piped += stdout + stderr;
    }
    const lines = commands.map((command) => command.map((word) => `'${word}'`).join(" "));
    const hasColors = columns === 80;
    const env = hasColors ? {} : { NO_COLOR: "1" };
    const { code, screen } = await runInTerminal(lines, { columns, rows: 200, env, colors: true });
    expect(screen.includes("\u001b[32mok")).toBe(hasColors);
    expect(screen.includes("\u001b")).toBe(hasColors);
    expect(comparable(screen)).toBe(comparable(piped));
    const paragraphs = textLines(screen).filter((line) => /^( {8}| {2}why {3}| {2}mend {2})/.test(line));
    expect(paragraphs.some((line) => line.startsWith("  why"))).toBe(true);
    // A path may be longer than any line.
    expect(paragraphs.filter((line) => line.length > columns && /\S \S/.test(line.slice(8)))).toEqual([]);
    expect(code).toBe(1);
  });
});

describeInTerminal("ipc serve", (columns) => {
  it("prints what it prints in a pipe, and its summary at Ctrl-C", async () => {
    const directory = temporaryDirectory();
    const ipc = new IpcProcess(["serve", "orders", "-d", directory, "--echo"]);
    await ipc.complaint("listening at ");
    await exchange(directory);
    await ipc.complaint("client 1 disconnected");
    ipc.child.kill("SIGINT");
    const piped = await ipc.outcome;
    const terminal = await IpcTerminal.start(`serve orders -d ${directory} --echo`, { columns, colors: true });
    await terminal.shows("listening at ");
    await exchange(directory);
    await terminal.shows("client 1 disconnected");
    await terminal.press("C-c");
    const { code, screen } = await terminal.end();
    const shown = textLines(screen.replace("^C", ""));
    expect(shown).toContain("1 messages");
    // In a pipe, data and notes are two streams.
    expect(shown.sort()).toEqual(textLines(piped.stdout + piped.stderr).sort());
    expect([code, piped.code]).toEqual([130, 130]);
  });
});

/** Sends a message to the server, and leaves when the answer has come. */
async function exchange(directory: string): Promise<void> {
  const client = await startClient({ name: "orders", directory, retry: false });
  onTestFinished(() => client.destroy());
  await client.write(5, "a text that is longer than a line of a narrow terminal");
  for await (const message of client) {
    expect(message.type).toBe(5);
    break;
  }
  await client.close();
}

/** The lines without colours and the spaces at their ends. */
function textLines(text: string): string[] {
  return stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

/** A text without what differs: colours, where lines are cut, measurements (tmux shows µ as _ outside UTF-8), and new keys. */
function comparable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\d+ round trips\/s/g, "rate")
    .replaceAll(/\b\d[\d.e+]*\s+[mµ_]?s\b/g, "time")
    .replaceAll(/identity, \S+ fingerprint \S+/g, "identity")
    .replaceAll(/\s+/g, "");
}
