import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { leaveStaleSocket, scratchDirectory } from "../../test/scratch.js";
import { inspectPath, publishSocket, unlinkSocket } from "./socket-file.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, linkSync: vi.fn(actual.linkSync) };
});

test("tells what stands at a path, and does not follow a link", async () => {
  const directory = scratchDirectory();
  const at = (name: string): string => join(directory, name);
  mkdirSync(at("directory"));
  writeFileSync(at("file"), "");
  await leaveStaleSocket(at("socket"));
  symlinkSync(at("socket"), at("link"));
  execFileSync("mkfifo", [at("pipe")]);
  expect(inspectPath(at("nothing"))).toEqual({ kind: "nothing" });
  expect(inspectPath(at("directory"))).toEqual({ kind: "other", what: "a directory" });
  expect(inspectPath(at("file"))).toEqual({ kind: "other", what: "a plain file" });
  expect(inspectPath(at("link"))).toEqual({ kind: "other", what: "a symbolic link" });
  expect(inspectPath(at("pipe"))).toEqual({ kind: "other", what: "a device or a pipe" });
  const { ino, uid } = lstatSync(at("socket"), { bigint: true });
  expect(inspectPath(at("socket"))).toMatchObject({ kind: "socket", inode: ino, owner: Number(uid) });
});

test("unlinks the very socket, and nothing that took its place", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await leaveStaleSocket(path);
  const file = inspectPath(path);
  if (file.kind !== "socket") throw new Error("no socket was left");
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
])("publishing, %s,", (_, errno) => {
  const prepare = async (): Promise<{ staged: string; path: string }> => {
    const directory = scratchDirectory();
    const staged = join(directory, "staged");
    await leaveStaleSocket(staged);
    if (errno !== undefined) {
      const refusal = Object.assign(new Error(`link ${errno}`), { code: errno });
      vi.mocked(fs.linkSync).mockImplementationOnce(() => {
        throw refusal;
      });
    }
    return { staged, path: join(directory, "a.sock") };
  };

  test("gives a free name", async () => {
    const { staged, path } = await prepare();
    expect(publishSocket(staged, path)).toBe(true);
    expect(inspectPath(path).kind).toBe("socket");
  });

  test("leaves a taken name alone", async () => {
    const { staged, path } = await prepare();
    writeFileSync(path, "precious");
    vi.mocked(fs.linkSync).mockClear();
    expect(publishSocket(staged, path)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect(existsSync(staged)).toBe(true);
  });
});

test("any other failure to publish is told", () => {
  const directory = scratchDirectory();
  expect(() => publishSocket(join(directory, "missing"), join(directory, "a.sock"))).toThrow(
    expect.objectContaining({ code: "ENOENT" }),
  );
});
