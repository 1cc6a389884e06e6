import * as fs from "node:fs";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { bindServer, failOnce, leaveStaleSocket, scratchDirectory, socketAt } from "../../test/scratch.js";
import { inspectPath } from "../fs/path-entry.js";
import { publishSocket, randomDigits, unlinkOwnSocket, unlinkSocket } from "./socket-file.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, linkSync: vi.fn(actual.linkSync), renameSync: vi.fn(actual.renameSync) };
});

test("makes random digits of 64 bits, equally long each time, and no two are equal", () => {
  const all = Array.from({ length: 1_000 }, randomDigits);
  expect(new Set(all).size).toBe(all.length);
  for (const digits of all) expect(digits).toMatch(/^[0-9a-z]{13}$/);
  expect((2n ** 64n - 1n).toString(36)).toHaveLength(13);
});

test("unlinks only the socket it was given, and nothing that replaced it", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await leaveStaleSocket(path);
  const file = socketAt(path);
  expect(unlinkSocket(path, { ...file, inode: file.inode + 1n })).toBe(false);
  expect(unlinkSocket(path, file)).toBe(true);
  expect(unlinkSocket(path, file)).toBe(false);
  writeFileSync(path, "precious");
  expect(unlinkSocket(path, file)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("precious");
});

describe.each([
  ["with hard links", undefined],
  ["without hard links", "EPERM"],
  ["without hard links, told otherwise", "ENOTSUP"],
])("publishing a socket, %s,", (_, errno) => {
  const prepare = async (): Promise<{ staged: string; path: string }> => {
    const directory = scratchDirectory();
    const staged = join(directory, "staged");
    await leaveStaleSocket(staged);
    if (errno !== undefined) failOnce(fs.linkSync, errno);
    return { staged, path: join(directory, "a.sock") };
  };

  test("gives it a free name", async () => {
    const { staged, path } = await prepare();
    expect(publishSocket(staged, path)).toBe(true);
    expect(inspectPath(path).kind).toBe("socket");
  });

  test("leaves a taken name unchanged", async () => {
    const { staged, path } = await prepare();
    writeFileSync(path, "precious");
    vi.mocked(fs.linkSync).mockClear();
    expect(publishSocket(staged, path)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect(existsSync(staged)).toBe(true);
  });
});

test("reports any other failure to publish", () => {
  const directory = scratchDirectory();
  expect(() => publishSocket(join(directory, "missing"), join(directory, "a.sock"))).toThrow(
    expect.objectContaining({ code: "ENOENT" }),
  );
});

test("unlinks the file of a listening socket, and nothing that replaced it", async () => {
  const { path, file } = await bindServer();
  renameSync(path, `${path}.old`);
  await leaveStaleSocket(path);
  unlinkOwnSocket(path, file);
  expect(existsSync(path)).toBe(true);
  renameSync(`${path}.old`, path);
  unlinkOwnSocket(path, file);
  expect(existsSync(path)).toBe(false);
});
