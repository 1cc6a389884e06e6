import * as fs from "node:fs";
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ALICE, isRoot, NEEDS_ROOT, openUnder, pretendPlatform, scratchDirectory } from "../../test/scratch.js";
import { maxPathBytes } from "../endpoint.js";
import { HeldEntry } from "../fs/held-entry.js";
import * as socketFile from "./socket-file.js";
import { StagingDirectory } from "./staging-directory.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, mkdirSync: vi.fn(actual.mkdirSync) };
});
vi.mock("./socket-file.js", async (original) => {
  const actual = await original<typeof socketFile>();
  return { ...actual, randomDigits: vi.fn(actual.randomDigits) };
});

/** Makes one in a directory that is held until the test ends, where the system can do that. */
function make(directory: string, path: string): StagingDirectory {
  const held = HeldEntry.open(directory);
  if (held === undefined) throw new Error(`no directory ${directory}`);
  onTestFinished(() => held.close());
  return StagingDirectory.make(held, path);
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("a staging directory", () => {
  test.each(["linux", "darwin"] as const)("on %s is private to this user, and gone after its removal", (platform) => {
    pretendPlatform(platform);
    const directory = scratchDirectory();
    const staging = make(directory, join(directory, "orders.sock"));
    const [name = ""] = readdirSync(directory);
    expect(name).toMatch(/^\.[0-9a-z]{13}$/);
    expect(modeOf(join(directory, name))).toBe(0o700);
    writeFileSync(staging.socket, "");
    expect(readdirSync(join(directory, name))).toEqual(["~"]);
    staging.remove();
    staging.remove();
    staging.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each(["a", "ab", "orders", "orders_manager", "x".repeat(64)])(
    "for %j has a path that fits where the socket's path fits, and 64 random bits if there is room",
    (name) => {
      pretendPlatform("darwin");
      const base = scratchDirectory();
      const room = maxPathBytes("darwin") - `${base}//${name}.sock`.length;
      for (const [directory, digits] of [
        [join(base, "d".repeat(room)), Math.min(13, `${name}.sock`.length - 3)],
        [join(base, "d"), 13],
      ] as const) {
        mkdirSync(directory);
        const { socket } = make(directory, join(directory, `${name}.sock`));
        expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(maxPathBytes("darwin"));
        expect(socket.slice(directory.length)).toMatch(new RegExp(`^/\\.[0-9a-z]{${digits}}/~$`));
      }
    },
  );

  test("has 64 random bits beside the longest path, too, when its parent is held by a descriptor", ({ skip }) => {
    skip(process.platform !== "linux", "only Linux has paths of descriptors");
    const base = scratchDirectory();
    const directory = join(base, "d".repeat(maxPathBytes("linux") - `${base}//a.sock`.length));
    mkdirSync(directory);
    const staging = make(directory, join(directory, "a.sock"));
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^\.[0-9a-z]{13}$/)]);
    expect(staging.socket.length).toBeLessThan(30);
    staging.remove();
    staging.close();
  });

  test("takes another name when the first is taken, and gives up when all are", () => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    const random = vi.mocked(socketFile.randomDigits).mockReturnValue("0000000000000");
    const first = make(directory, path);
    expect(() => make(directory, path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    random.mockReset();
    random.mockReturnValueOnce("0000000000000").mockReturnValueOnce("0000000000001");
    const second = make(directory, path);
    expect(readdirSync(directory)).toEqual([".0000000000000", ".0000000000001"]);
    first.close();
    second.close();
  });

  /** Another user exchanges the new directory before it is opened. */
  function exchangedFor(replace: (path: string) => void): { directory: string; make: () => unknown } {
    const directory = scratchDirectory();
    const { mkdirSync: real } = fs;
    vi.mocked(real).mockImplementationOnce((path, options) => {
      const made = real(path, options);
      renameSync(path, `${String(path)}.moved`);
      replace(String(path));
      return made;
    });
    return { directory, make: () => make(directory, join(directory, "a.sock")) };
  }

  test.each([
    ["nothing", "gone", () => {}],
    ["a plain file", "a plain file of user", (path: string) => writeFileSync(path, "")],
    ["a link to a directory", "a symbolic link of user", (path: string) => fs.symlinkSync("/tmp", path)],
    ["a directory that others may enter", "a directory of user", (path: string) => mkdirSync(path, { mode: 0o755 })],
  ])("is not used when it was replaced by %s", (_what, says, replace) => {
    const { directory, make } = exchangedFor(replace);
    const message = new RegExp(`^${directory}/\\.[0-9a-z]{13} was made for this user alone and is now ${says}`);
    expect(make).toThrow(
      expect.objectContaining({ code: "IPC_UNTRUSTED_SOCKET", message: expect.stringMatching(message) }),
    );
    expect(openUnder(`${directory}/`)).toEqual([]);
  });

  test("is not used when another user's directory replaced it", ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { directory, make } = exchangedFor((path) => {
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, ALICE, ALICE);
    });
    expect(make).toThrow(expect.objectContaining({ message: expect.stringContaining(`a directory of user ${ALICE}`) }));
    expect(existsSync(join(directory, "a.sock"))).toBe(false);
  });
});
