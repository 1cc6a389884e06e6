import { chmodSync, chownSync, lchownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ALICE, BOB, isRoot, NEEDS_ROOT, scratchDirectory } from "../../test/scratch.js";
import { type DirectoryPolicy, walkDirectory } from "./directory-walk.js";

const STRICT: DirectoryPolicy = { trustedOwners: [], sharedDirectory: false };
const SHARED: DirectoryPolicy = { trustedOwners: [], sharedDirectory: true };

/** `<scratch>/outer/inner`, both of mode 0755. */
function nested(): { base: string; outer: string; inner: string } {
  const base = scratchDirectory();
  const outer = join(base, "outer");
  const inner = join(outer, "inner");
  for (const directory of [outer, inner]) {
    mkdirSync(directory);
    chmodSync(directory, 0o755);
  }
  return { base, outer, inner };
}

const untrusted = (...parts: readonly string[]): unknown =>
  expect.objectContaining({
    code: "IPC_UNTRUSTED_SOCKET",
    message: expect.stringMatching(new RegExp(parts.map((part) => part.replace(/[.`[\]]/g, "\\$&")).join(".*"))),
  });

describe("a directory that others cannot change", () => {
  test("is accepted, and its real path is returned", () => {
    const { inner } = nested();
    expect(walkDirectory(inner, STRICT)).toEqual({ path: realpathSync(inner), missing: [], exchangers: "root" });
    expect(walkDirectory("/", STRICT)).toEqual({ path: "/", missing: [], exchangers: "root" });
  });

  test("is accepted when all users may write and it is sticky, as /tmp", () => {
    const { inner } = nested();
    chmodSync(inner, 0o1777);
    expect(walkDirectory(inner, STRICT)).toMatchObject({ missing: [], exchangers: "root" });
    expect(walkDirectory("/tmp", STRICT)).toMatchObject({ missing: [] });
  });

  test("is reported as missing, with the names from the first missing one on", () => {
    const { inner } = nested();
    expect(walkDirectory(join(inner, "a/b"), STRICT)).toMatchObject({ path: inner, missing: ["a", "b"] });
  });
});

describe.each([
  [0o775, "g-w"],
  [0o2775, "g-w"],
  [0o757, "o-w"],
  [0o777, "g-w,o-w"],
])("a directory of mode %o", (mode, change) => {
  test("is rejected, and the error has its name and the chmod that helps", () => {
    const { inner } = nested();
    chmodSync(inner, mode);
    expect(() => walkDirectory(inner, STRICT)).toThrow(
      untrusted(`${inner} has mode 0${mode.toString(8)}`, `\`chmod ${change} ${inner}\``, "`sharedDirectory: true`"),
    );
  });

  test("is rejected above the socket directory, with sharedDirectory too", () => {
    const { outer, inner } = nested();
    chmodSync(outer, mode);
    for (const policy of [STRICT, SHARED]) {
      expect(() => walkDirectory(inner, policy)).toThrow(untrusted(`\`chmod ${change} ${outer}\``));
    }
  });

  test("is accepted as the socket directory when sharedDirectory is set", () => {
    const { inner } = nested();
    chmodSync(inner, mode);
    expect(walkDirectory(inner, SHARED)).toMatchObject({ exchangers: "others" });
  });
});

describe("a directory of another user", () => {
  test("is rejected anywhere on the path unless trustedOwners includes the user", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    for (const which of ["outer", "inner"] as const) {
      const paths = nested();
      chownSync(paths[which], ALICE, ALICE);
      for (const trustedOwners of [[], [BOB]]) {
        expect(() => walkDirectory(paths.inner, { ...STRICT, trustedOwners })).toThrow(
          untrusted(`${paths[which]} is a directory of user ${ALICE}`, `\`trustedOwners: [${ALICE}]\``),
        );
      }
      const trusting = { ...STRICT, trustedOwners: [BOB, ALICE] };
      expect(walkDirectory(paths.inner, trusting)).toMatchObject({ exchangers: "trusted owners" });
    }
  });

  test("is accepted as the socket directory when sharedDirectory is set", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { inner } = nested();
    chownSync(inner, ALICE, ALICE);
    expect(walkDirectory(inner, SHARED)).toMatchObject({ exchangers: "others" });
  });

  test("is accepted when root owns it", () => {
    const { inner } = nested();
    const user = vi.spyOn(process, "geteuid").mockReturnValue(BOB);
    onTestFinished(() => user.mockRestore());
    if (isRoot) expect(walkDirectory(inner, STRICT)).toMatchObject({ exchangers: "root" });
    else expect(() => walkDirectory(inner, STRICT)).toThrow(untrusted("is a directory of user"));
  });
});

describe("a symbolic link", () => {
  test.each(["outer/inner", "./outer/../outer/inner", "ABSOLUTE"])("to %s is followed when this user owns it", (to) => {
    const { base, inner } = nested();
    symlinkSync(to === "ABSOLUTE" ? inner : to, join(base, "link"));
    expect(walkDirectory(join(base, "link"), STRICT)).toMatchObject({ path: inner, missing: [] });
    expect(walkDirectory(join(base, "link/new"), STRICT)).toMatchObject({ path: inner, missing: ["new"] });
  });

  test("is followed only after every directory on the way of its target is checked", () => {
    const { base, outer, inner } = nested();
    symlinkSync("outer/inner", join(base, "link"));
    for (const directory of [outer, inner]) {
      chmodSync(directory, 0o775);
      expect(() => walkDirectory(join(base, "link"), STRICT)).toThrow(untrusted(`\`chmod g-w ${directory}\``));
      chmodSync(directory, 0o755);
    }
  });

  test("of another user is rejected in a sticky directory, and followed when trustedOwners includes the user", ({
    skip,
  }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { base, inner } = nested();
    chmodSync(base, 0o1777);
    symlinkSync("outer/inner", join(base, "link"));
    lchownSync(join(base, "link"), ALICE, ALICE);
    expect(() => walkDirectory(join(base, "link"), STRICT)).toThrow(
      untrusted(`${join(base, "link")} is a symbolic link of user ${ALICE}`),
    );
    const trusting = { ...STRICT, trustedOwners: [ALICE] };
    for (const below of ["link", "link/new", "link/../inner"]) {
      expect(walkDirectory(`${base}/${below}`, trusting)).toMatchObject({ path: inner, exchangers: "trusted owners" });
    }
    lchownSync(join(base, "link"), 0, 0);
    expect(walkDirectory(join(base, "link"), trusting)).toMatchObject({ path: inner, exchangers: "root" });
  });

  test("is rejected when it leads in a circle", () => {
    const base = scratchDirectory();
    symlinkSync("b", join(base, "a"));
    symlinkSync("a", join(base, "b"));
    expect(() => walkDirectory(join(base, "a"), STRICT)).toThrow(
      expect.objectContaining({ code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("too many links") }),
    );
  });
});

test("rejects a plain file on the path and at its end, and names it", () => {
  const file = join(scratchDirectory(), "file");
  writeFileSync(file, "precious");
  for (const path of [file, join(file, "run")]) {
    expect(() => walkDirectory(path, STRICT)).toThrow(
      expect.objectContaining({
        code: "IPC_TRANSPORT_FAILED",
        message: expect.stringContaining(`${file} is a plain file`),
      }),
    );
  }
});
