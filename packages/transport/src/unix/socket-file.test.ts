import * as fs from "node:fs";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { leaveStaleSocket, scratchDirectory, startForeignServer } from "../../test/scratch.js";
import { type FileIdentity, inspectPath } from "../fs/path-entry.js";
import { startListening } from "../net/listener.js";
import { closeBoundServer, publishSocket, randomDigits, unlinkOwnSocket, unlinkSocket } from "./socket-file.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, linkSync: vi.fn(actual.linkSync), renameSync: vi.fn(actual.renameSync) };
});

function refuse(call: typeof fs.linkSync, errno: string): void {
  vi.mocked(call).mockImplementationOnce(() => {
    throw Object.assign(new Error(errno), { code: errno });
  });
}

function socketAt(path: string): FileIdentity {
  const file = inspectPath(path);
  if (file.kind !== "socket") throw new Error(`no socket at ${path}`);
  return file;
}

async function bound(): Promise<{ directory: string; path: string; server: Server; file: FileIdentity }> {
  const directory = scratchDirectory();
  const path = join(directory, "a.sock");
  const server = createServer();
  await startListening(server, { path }, undefined);
  onTestFinished(() => void server.close());
  return { directory, path, server, file: socketAt(path) };
}

test("random digits have 64 bits, as many characters each time, and no two are equal", () => {
  const all = Array.from({ length: 1_000 }, randomDigits);
  expect(new Set(all).size).toBe(all.length);
  for (const digits of all) expect(digits).toMatch(/^[0-9a-z]{13}$/);
  expect((2n ** 64n - 1n).toString(36)).toHaveLength(13);
});

test("unlinks the very socket, and nothing that took its place", async () => {
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
])("publishing, %s,", (_, errno) => {
  const prepare = async (): Promise<{ staged: string; path: string }> => {
    const directory = scratchDirectory();
    const staged = join(directory, "staged");
    await leaveStaleSocket(staged);
    if (errno !== undefined) refuse(fs.linkSync, errno);
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

describe("a server that is closed", () => {
  test("removes its own file", async () => {
    const { directory, path, server, file } = await bound();
    closeBoundServer(server, path, file);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("removes its own file after the mode and the links of it have changed", async () => {
    const { directory, path, server, file } = await bound();
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
    [", though a link is refused", () => refuse(fs.linkSync, "EPERM")],
  ];
  const cases = put.flatMap(([what, make]) => refused.map(([how, prepare]) => [what, how, make, prepare] as const));

  test.each(cases)("leaves %s in its place%s", async (_what, _how, make, prepare) => {
    const { directory, path, server, file } = await bound();
    renameSync(path, `${path}.old`);
    await make(path);
    const before = statSync(path, { bigint: true });
    prepare();
    closeBoundServer(server, path, file);
    expect(server.listening).toBe(false);
    expect(statSync(path, { bigint: true })).toMatchObject({ ino: before.ino, mode: before.mode });
    expect(readdirSync(directory)).toEqual(["a.sock", "a.sock.old"]);
  });

  test("leaves the file of a server that failed before it knew its own", async () => {
    const { directory, path, server } = await bound();
    renameSync(path, `${path}.old`);
    await startForeignServer(path);
    closeBoundServer(server, path, undefined);
    expect(readdirSync(directory)).toEqual(["a.sock", "a.sock.old"]);
  });

  test("finds its directory gone, and is closed all the same", async () => {
    const { directory, path, server, file } = await bound();
    fs.rmSync(directory, { recursive: true });
    closeBoundServer(server, path, file);
    unlinkOwnSocket(path, file);
    expect(server.listening).toBe(false);
  });
});

test("unlinks the file of a socket that listens, and nothing that took its place", async () => {
  const { path, file } = await bound();
  renameSync(path, `${path}.old`);
  await leaveStaleSocket(path);
  unlinkOwnSocket(path, file);
  expect(existsSync(path)).toBe(true);
  renameSync(`${path}.old`, path);
  unlinkOwnSocket(path, file);
  expect(existsSync(path)).toBe(false);
});
