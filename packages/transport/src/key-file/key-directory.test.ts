import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { disown, isRoot, OTHER_USER, scratchDirectory } from "../../test/scratch.js";
import { assertKeyDirectory, ensureKeyDirectory } from "./key-directory.js";
import type { KeyFilePlace } from "./key-file-place.js";

const user = process.geteuid?.();
const NEEDS_ROOT = "only root can give a directory away";

/** A place of each kind; `outer` is what the private directory lies in, and the directory of the given path. */
function places(): { outer: string; inner: string; hidden: KeyFilePlace; given: KeyFilePlace } {
  const outer = scratchDirectory();
  const inner = join(outer, "ipc");
  return {
    outer,
    inner,
    hidden: { path: join(inner, "orders.key"), directory: "private" },
    given: { path: join(outer, "orders.key"), directory: "given" },
  };
}

/** Mode and owner, a link not followed. */
function stateOf(path: string): unknown[] {
  const { mode, uid } = lstatSync(path);
  return [`0${(mode & 0o7777).toString(8)}`, uid];
}

const untrusted = (message: string): unknown =>
  expect.objectContaining({ code: "IPC_KEY_FILE_UNTRUSTED", message: expect.stringContaining(message) });

describe("the private directory", () => {
  test.each([0o000, 0o022, 0o077])("is created for this user alone under the umask %o, and used again", (umask) => {
    const { inner, hidden } = places();
    const before = process.umask(umask);
    try {
      ensureKeyDirectory(hidden);
    } finally {
      process.umask(before);
    }
    expect(stateOf(inner)).toEqual(["0700", user]);
    ensureKeyDirectory(hidden);
    assertKeyDirectory(hidden);
    expect(stateOf(inner)).toEqual(["0700", user]);
  });

  test("is not created by a client", () => {
    const { outer, hidden } = places();
    expect(() => assertKeyDirectory(hidden)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(readdirSync(outer)).toEqual([]);
  });

  test("is created without parents: its parent must exist", () => {
    const { outer } = places();
    const hidden: KeyFilePlace = { path: join(outer, "run/ipc/orders.key"), directory: "private" };
    expect(() => ensureKeyDirectory(hidden)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(readdirSync(outer)).toEqual([]);
  });
});

describe.each([
  ["a server", ensureKeyDirectory],
  ["a client", assertKeyDirectory],
])("%s rejects, and leaves unchanged, a private directory", (_, check) => {
  test.each(["0701", "0710", "0704", "0755", "0777", "01777"])("with mode %s", (mode) => {
    const { inner, hidden } = places();
    mkdirSync(inner);
    chmodSync(inner, mode);
    expect(() => check(hidden)).toThrow(untrusted(`${inner} has mode ${mode} instead of 0700`));
    expect(stateOf(inner)).toEqual([mode, user]);
  });

  test("that another user owns", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { inner, hidden } = places();
    mkdirSync(inner, { mode: 0o700 });
    chownSync(inner, OTHER_USER, OTHER_USER);
    expect(() => check(hidden)).toThrow(
      untrusted(`${inner} belongs to user ${OTHER_USER}, not to this user (${user})`),
    );
    expect(stateOf(inner)).toEqual(["0700", OTHER_USER]);
  });

  test("that root owns, when the process is another user", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { inner, hidden } = places();
    mkdirSync(inner, { mode: 0o700 });
    const other = vi.spyOn(process, "geteuid").mockReturnValue(OTHER_USER);
    onTestFinished(() => other.mockRestore());
    expect(() => check(hidden)).toThrow(untrusted(`${inner} belongs to user 0, not to this user (${OTHER_USER})`));
  });

  test.each([
    ["a symbolic link", (path: string) => symlinkSync(scratchDirectory(), path)],
    ["a plain file", (path: string) => writeFileSync(path, "precious", { mode: 0o600 })],
  ])("that is %s", (what, make) => {
    const { outer, inner, hidden } = places();
    make(inner);
    const before = stateOf(inner);
    expect(() => check(hidden)).toThrow(untrusted(`${inner} is ${what}, not a directory`));
    expect(stateOf(inner)).toEqual(before);
    expect(readdirSync(outer)).toEqual(["ipc"]);
  });
});

describe.each([
  ["what a private directory lies in", "hidden"],
  ["the directory of a given path", "given"],
] as const)("%s", (_, kind) => {
  test.each(["0700", "0755", "01777", "01775"])("is accepted with mode %s", (mode) => {
    const { outer, [kind]: place } = places();
    chmodSync(outer, mode);
    ensureKeyDirectory(place);
    assertKeyDirectory(place);
    expect(stateOf(outer)).toEqual([mode, user]);
  });

  test.each(["0770", "0775", "0702", "0777"])("is rejected with mode %s, before anything is created", (mode) => {
    const { outer, [kind]: place } = places();
    chmodSync(outer, mode);
    for (const check of [ensureKeyDirectory, assertKeyDirectory]) {
      expect(() => check(place)).toThrow(untrusted(`${outer} has mode ${mode}`));
    }
    expect(stateOf(outer)).toEqual([mode, user]);
    expect(readdirSync(outer)).toEqual([]);
  });

  test.each(["0700", "0755", "01777"])("is rejected with mode %s when another user owns it", (mode) => {
    const { outer, [kind]: place } = places();
    chmodSync(outer, mode);
    const owner = disown(outer);
    for (const check of [ensureKeyDirectory, assertKeyDirectory]) {
      expect(() => check(place)).toThrow(untrusted(`${outer} belongs to user ${owner}`));
    }
    expect(readdirSync(outer)).toEqual([]);
  });

  test("is accepted when root owns it", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { inner, [kind]: place } = places();
    mkdirSync(inner, { mode: 0o700 });
    chownSync(inner, OTHER_USER, OTHER_USER);
    const other = vi.spyOn(process, "geteuid").mockReturnValue(OTHER_USER);
    onTestFinished(() => other.mockRestore());
    ensureKeyDirectory(place);
    assertKeyDirectory(place);
  });

  test("is accepted through a link, and rejected when it is a file", () => {
    const { outer, [kind]: place } = places();
    const link = join(scratchDirectory(), "link");
    symlinkSync(outer, link);
    ensureKeyDirectory({ ...place, path: place.path.replace(outer, link) });
    const file = join(outer, "file");
    writeFileSync(file, "precious");
    for (const check of [ensureKeyDirectory, assertKeyDirectory]) {
      expect(() => check({ ...place, path: place.path.replace(outer, file) })).toThrow(
        untrusted(`${file} is a plain file, not a directory`),
      );
    }
  });
});

test("names the option that sets another path in every rejection", () => {
  const { outer, inner, hidden } = places();
  mkdirSync(inner);
  chmodSync(inner, 0o755);
  expect(() => assertKeyDirectory(hidden)).toThrow("pass another path as `keyFile`");
  chmodSync(outer, 0o777);
  expect(() => assertKeyDirectory(hidden)).toThrow("pass another path as `keyFile`");
});
