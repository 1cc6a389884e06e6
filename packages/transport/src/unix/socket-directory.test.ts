import * as fs from "node:fs";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ALICE, failOnce, isRoot, NEEDS_ROOT, openUnder, scratchDirectory, setUmask } from "../../test/scratch.js";
import type { DirectoryPolicy } from "../fs/directory-walk.js";
import type { SocketAccess } from "./socket-access.js";
import { ensureDirectory } from "./socket-directory.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof fs>();
  return { ...actual, chmodSync: vi.fn(actual.chmodSync) };
});

const POLICY: DirectoryPolicy = { trustedOwners: [], sharedDirectory: false };
const OWNER: SocketAccess = { mode: 0o600, gid: undefined };
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("a missing directory", () => {
  test("is created with its parents, for this user alone", () => {
    const parent = join(scratchDirectory(), "run");
    const directory = join(parent, "orders");
    ensureDirectory(directory, POLICY, OWNER);
    ensureDirectory(directory, POLICY, OWNER);
    expect([modeOf(parent), modeOf(directory)]).toEqual([0o700, 0o700]);
  });

  test.each([
    [0o777, 0o711],
    [0o660, 0o710],
    [0o606, 0o701],
    [0o640, 0o700],
  ])("is created for a socket of mode %o with mode %o, under every umask", (mode, expected) => {
    for (const mask of [0o000, 0o022, 0o077]) {
      setUmask(mask);
      const parent = join(scratchDirectory(), "run");
      ensureDirectory(join(parent, "orders"), POLICY, { mode, gid: undefined });
      expect([modeOf(parent), modeOf(join(parent, "orders"))]).toEqual([expected, expected]);
    }
  });

  test("gets its mode, and no directory that replaces it does", async ({ skip }) => {
    skip(process.platform !== "linux", "only Linux has paths of descriptors");
    const parent = scratchDirectory();
    const [directory, moved, victim] = [join(parent, "run"), join(parent, "moved"), join(parent, "victim")];
    mkdirSync(victim, { mode: 0o700 });
    setUmask(0o077);
    const { chmodSync: chmod } = await vi.importActual<typeof fs>("node:fs");
    vi.mocked(fs.chmodSync).mockImplementationOnce((target, mode) => {
      renameSync(directory, moved);
      symlinkSync(victim, directory);
      chmod(target, mode);
    });
    ensureDirectory(directory, POLICY, { mode: 0o777, gid: undefined });
    expect([modeOf(victim), modeOf(moved)]).toEqual([0o700, 0o711]);
  });

  test("is closed again, whether its mode can be set or not", () => {
    const parent = scratchDirectory();
    ensureDirectory(join(parent, "run"), POLICY, { mode: 0o777, gid: undefined });
    failOnce(fs.chmodSync, "EIO");
    expect(() => ensureDirectory(join(parent, "other"), POLICY, { mode: 0o777, gid: undefined })).toThrow("EIO");
    expect(openUnder(parent)).toEqual([]);
  });

  test("gets the group of the socket", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const directory = join(scratchDirectory(), "run");
    ensureDirectory(directory, POLICY, { mode: 0o660, gid: ALICE });
    expect([modeOf(directory), statSync(directory).gid]).toEqual([0o710, ALICE]);
  });

  test("is rejected when another user owns it after its creation", () => {
    const user = vi.spyOn(process, "geteuid").mockReturnValue(12_345);
    onTestFinished(() => user.mockRestore());
    const create = (): unknown =>
      ensureDirectory(join(scratchDirectory(), "run"), { ...POLICY, trustedOwners: [process.getuid?.() ?? 0] }, OWNER);
    expect(create).toThrow(
      expect.objectContaining({ code: "IPC_PERMISSION_DENIED", message: expect.stringContaining("mode 0700") }),
    );
  });

  test("is rejected when the umask removes the owner's rights", () => {
    const parent = scratchDirectory();
    setUmask(0o277);
    expect(() => ensureDirectory(join(parent, "run"), POLICY, OWNER)).toThrow(
      expect.objectContaining({ code: "IPC_PERMISSION_DENIED", message: expect.stringContaining("check the umask") }),
    );
  });
});

test("keeps the mode of an existing directory, also behind a link", () => {
  const parent = scratchDirectory();
  const directory = join(parent, "run");
  mkdirSync(directory);
  const before = modeOf(directory);
  symlinkSync(directory, join(parent, "link"));
  for (const access of [OWNER, { mode: 0o777, gid: undefined }]) {
    ensureDirectory(directory, POLICY, access);
    ensureDirectory(join(parent, "link"), POLICY, access);
  }
  expect(modeOf(directory)).toBe(before);
  expect(readdirSync(directory)).toEqual([]);
});

test("rejects a plain file in the directory's place, and leaves it", () => {
  const path = join(scratchDirectory(), "run");
  writeFileSync(path, "precious");
  for (const directory of [path, join(path, "orders")]) {
    expect(() => ensureDirectory(directory, POLICY, OWNER)).toThrow(
      expect.objectContaining({ code: "IPC_TRANSPORT_FAILED" }),
    );
  }
  expect(readFileSync(path, "utf8")).toBe("precious");
});
