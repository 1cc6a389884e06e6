import * as fs from "node:fs";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { ALICE, isRoot, NEEDS_ROOT, pretendPlatform, scratchDirectory } from "../../test/scratch.js";
import { directoryMode, grantAccess, resolveAccess } from "./socket-access.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, chownSync: vi.fn(actual.chownSync), chmodSync: vi.fn(actual.chmodSync) };
});

describe("the access options", () => {
  test.each([
    [false, undefined, undefined, { mode: 0o600, gid: undefined }],
    [true, undefined, undefined, { mode: 0o777, gid: undefined }],
    [false, 0o660, undefined, { mode: 0o660, gid: undefined }],
    [false, 0o660, 33, { mode: 0o660, gid: 33 }],
    [false, undefined, 33, { mode: 0o660, gid: 33 }],
    [false, 0o600, 33, { mode: 0o600, gid: 33 }],
    [false, 0o777, 0, { mode: 0o777, gid: 0 }],
  ])("unmaskPermissions %s, mode %s and group %s are resolved", (unmask, mode, group, access) => {
    expect(resolveAccess(unmask, mode, group)).toEqual(access);
  });

  test("accept a group's name, which /etc/group resolves", ({ skip }) => {
    skip(process.platform !== "linux", "other systems keep groups elsewhere, too");
    const groups = readFileSync("/etc/group", "utf8").trim().split("\n");
    const [name = "", , gid] = (groups.at(-1) ?? "").split(":");
    expect(resolveAccess(false, 0o660, name)).toEqual({ mode: 0o660, gid: Number(gid) });
  });

  test("do not resolve a group's name on Windows, which ignores it", () => {
    pretendPlatform("win32");
    expect(() => resolveAccess(false, 0o660, "www-data")).not.toThrow();
  });

  test.each([
    [true, 0o660, undefined, TypeError, "`mode` cannot be combined with `unmaskPermissions`"],
    [true, undefined, 33, TypeError, "`group` cannot be combined with `unmaskPermissions`"],
    [true, 0o660, 33, TypeError, "`unmaskPermissions`"],
    [false, "660", undefined, TypeError, '`mode` must be an integer from 0o600 to 0o777, got "660"'],
    [false, 0o1777, undefined, RangeError, "`mode` must be an integer from 0o600 to 0o777, got 0o1777"],
    [false, 0o577, undefined, RangeError, "got 0o577"],
    [false, 660, undefined, RangeError, "got 0o1224"],
    [false, -1, undefined, RangeError, "got -1"],
    [false, 400.5, undefined, RangeError, "got 400.5"],
    [false, Number.NaN, undefined, RangeError, "got NaN"],
    [false, 0o660, -1, RangeError, "`group` must be an integer from 0 to 4294967294"],
    [false, 0o660, 2 ** 32 - 1, RangeError, "`group`"],
    [false, 0o660, "", TypeError, "`group` must be a gid or the name of a group"],
    [false, 0o660, "a:b", TypeError, "`group`"],
    [false, 0o660, "a\nb", TypeError, "`group`"],
    [false, 0o660, null, TypeError, "got null"],
    [false, 0o660, "no-such-group-of-ours", RangeError, '/etc/group, which has no group "no-such-group-of-ours"'],
  ])("unmaskPermissions %s, mode %s and group %s are rejected", (unmask, mode, group, kind, message) => {
    const resolve = (): unknown => resolveAccess(unmask, mode, group);
    expect(resolve).toThrow(expect.objectContaining({ constructor: kind }));
    expect(resolve).toThrow(message);
  });
});

test.each([
  [0o600, 0o700],
  [0o660, 0o710],
  [0o640, 0o700],
  [0o777, 0o711],
  [0o606, 0o701],
])("gives the directory of a socket of mode %o the mode %o", (mode, expected) => {
  expect(directoryMode({ mode, gid: undefined })).toBe(expected);
});

describe("granting access to a socket", () => {
  const file = (): string => {
    const path = join(scratchDirectory(), "file");
    writeFileSync(path, "", { mode: 0o600 });
    return path;
  };

  test("sets the group before the mode, so that no other group has the rights in between", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const path = file();
    const { chmodSync } = fs;
    vi.mocked(chmodSync).mockImplementationOnce((target, mode) => {
      expect(statSync(path)).toMatchObject({ gid: ALICE });
      chmodSync(target, mode);
    });
    grantAccess(path, 0o660, ALICE, path);
    expect(statSync(path)).toMatchObject({ gid: ALICE, uid: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  test("rejects with the group's number, and leaves the mode, when this user is not a member of the group", () => {
    const path = file();
    const cause = Object.assign(new Error("EPERM"), { code: "EPERM" });
    vi.mocked(fs.chownSync).mockImplementationOnce(() => {
      throw cause;
    });
    expect(() => grantAccess(path, 0o660, ALICE, "/x/a.sock")).toThrow(
      expect.objectContaining({
        code: "IPC_PERMISSION_DENIED",
        message: expect.stringContaining(`may not give /x/a.sock to group ${ALICE}`),
        cause,
      }),
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
