import * as fs from "node:fs";
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { bindServer, failOnce, startForeignServer } from "../../test/scratch.js";
import { closeAtExit, closeBoundServer } from "./bound-server.js";
import { unlinkOwnSocket } from "./socket-file.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, linkSync: vi.fn(actual.linkSync), renameSync: vi.fn(actual.renameSync) };
});

describe("a server that closes", () => {
  test("removes its own socket file", async () => {
    const { directory, path, server, file } = await bindServer();
    closeBoundServer(server, path, file);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("removes its own file after the file's mode and links have changed", async () => {
    const { directory, path, server, file } = await bindServer();
    fs.chmodSync(path, 0o600);
    closeBoundServer(server, path, { ...file, birthTime: file.birthTime + 1n });
    expect(readdirSync(directory)).toEqual([]);
  });

  const put: readonly [string, (path: string) => void | Promise<void>][] = [
    ["another server's socket", startForeignServer],
    ["a plain file", (path) => writeFileSync(path, "precious")],
    ["a directory", (path) => void mkdirSync(path)],
  ];
  const refused: readonly [string, () => void][] = [
    ["", () => {}],
    [", though a link is refused", () => failOnce(fs.linkSync, "EPERM")],
  ];
  const cases = put.flatMap(([what, make]) => refused.map(([how, prepare]) => [what, how, make, prepare] as const));

  test.each(cases)("leaves %s in its place%s", async (_what, _how, make, prepare) => {
    const { directory, path, server, file } = await bindServer();
    renameSync(path, `${path}.old`);
    await make(path);
    const before = statSync(path, { bigint: true });
    prepare();
    closeBoundServer(server, path, file);
    expect(server.listening).toBe(false);
    expect(statSync(path, { bigint: true })).toMatchObject({ ino: before.ino, mode: before.mode });
    expect(readdirSync(directory)).toEqual(["a.sock", "a.sock.old"]);
  });

  test("leaves the socket file when it failed before it knew that the file was its own", async () => {
    const { directory, path, server } = await bindServer();
    renameSync(path, `${path}.old`);
    await startForeignServer(path);
    closeBoundServer(server, path, undefined);
    expect(readdirSync(directory)).toEqual(["a.sock", "a.sock.old"]);
  });

  test("closes when its directory has vanished", async () => {
    const { directory, path, server, file } = await bindServer();
    fs.rmSync(directory, { recursive: true });
    closeBoundServer(server, path, file);
    unlinkOwnSocket(path, file);
    expect(server.listening).toBe(false);
  });
});

describe("the exit of the process", () => {
  const others = process.listeners("exit");
  /** Returns the exit handlers that were added since. */
  const added = (): readonly NodeJS.ExitListener[] => process.listeners("exit").filter((one) => !others.includes(one));

  test("closes every open server once", () => {
    const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()];
    const closeFirst = closeAtExit(first);
    closeAtExit(second);
    closeAtExit(third);
    closeFirst();
    closeFirst();
    expect([first, second, third].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
    expect(added()).toHaveLength(1);
    added()[0]?.(0);
    expect([first, second, third].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
    expect(added()).toEqual([]);
  });

  test("leaves no exit handler after the last server has closed, and adds one for the next", () => {
    for (let round = 0; round < 2; round++) {
      const closes = [closeAtExit(() => {}), closeAtExit(() => {})];
      expect(added()).toHaveLength(1);
      for (const close of closes) close();
      expect(added()).toEqual([]);
    }
  });
});
