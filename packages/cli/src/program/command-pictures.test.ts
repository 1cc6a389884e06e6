import { once } from "node:events";
import { chmodSync, linkSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { startServerManager } from "@ipc/manager";
import { expect, it, onTestFinished } from "vitest";
import { ROOT } from "../../../../internal/architecture/src/source-tree.js";
import { describeInTerminal, runInTerminal } from "../../test/ipc-terminal.js";
import { drawTerminal } from "../../test/terminal-picture.js";

/** In the place of the directory, which has as many characters, the user and the process of a test. */
const [DIRECTORY, USER, PID] = ["/run/orders/ipc", "alice", "4711"];

/** Makes what differs from run to run the same in every picture. */
function settle(screen: string, directory: string): string {
  const { username, uid } = userInfo();
  return screen
    .split("\n")
    .map((line) => settleRow(line.replaceAll(directory, DIRECTORY), username))
    .join("\n")
    .replaceAll(`${username} (${uid})`, `${USER} (1000)`)
    .replaceAll(`process ${process.pid}`, `process ${PID}`)
    .replaceAll(/time=[\d.]+ m?s/g, "time=1.42 ms");
}

/** Aligns the last columns of a row of `ipc ls` anew: `OWNER MODE PID PATH`. */
function settleRow(line: string, username: string): string {
  return line.replace(/(OWNER|\S+) +(MODE|0\d{3}) +(PID|\d+|-) +(\S+)$/, (row, owner, mode, pid, path) => {
    if (mode !== "MODE" && owner !== username) return row;
    const cells = [owner === username ? USER : owner, mode, /\d/.test(pid) ? PID : pid, path];
    return cells.map((cell: string, index) => cell.padEnd([5, 4, 4][index] ?? 0)).join("  ");
  });
}

describeInTerminal(
  "the pictures of docs/CLI.md",
  (columns) => {
    it.each([
      ["help", "--help", false],
      ["ls", "ls -d DIRECTORY", true],
      ["ping", "ping jobs -d DIRECTORY", true],
      ["doctor", "doctor prices -d DIRECTORY", true],
    ])("%s.svg shows what the terminal shows (npm run reports writes it)", async (name, command, hasServers) => {
      const directory = hasServers ? await serve() : DIRECTORY;
      const line = command.replace("DIRECTORY", directory);
      const { screen } = await runInTerminal(line, { columns, colors: true });
      const picture = drawTerminal(
        `ipc ${command.replace("DIRECTORY", DIRECTORY)}`,
        settle(screen, directory),
        columns,
      );
      await expect(picture).toMatchFileSnapshot(join(ROOT, `docs/cli/${name}.svg`));
    });
  },
  [80],
);

/** A directory with a server, and what is left of another one. */
async function serve(): Promise<string> {
  const directory = mkdtempSync("/tmp/ipc-");
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const manager = await startServerManager({ name: "jobs", directory });
  onTestFinished(() => manager.destroy());
  const path = join(directory, "prices.sock");
  const killed = createServer().listen(`${path}~`);
  await once(killed, "listening");
  linkSync(`${path}~`, path);
  chmodSync(path, 0o600);
  killed.close();
  return directory;
}
