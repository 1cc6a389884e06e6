import * as fs from "node:fs";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { countListening, scratchDirectory } from "../../test/scratch.js";
import { listenAtFile } from "./listen.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return { ...actual, linkSync: vi.fn(actual.linkSync), chmodSync: vi.fn(actual.chmodSync) };
});

beforeEach(() => {
  vi.mocked(fs.linkSync).mockClear();
  vi.mocked(fs.chmodSync).mockClear();
});

const modeOf = (path: fs.PathLike): number => statSync(path).mode & 0o777;

describe.each([0o600, 0o777])("a socket of mode %o", (mode) => {
  test.each([0o000, 0o022, 0o077])(
    "has it before any process can see it, under the umask %o, which stays",
    async (mask) => {
      const before = process.umask(mask);
      onTestFinished(() => void process.umask(before));
      const path = join(scratchDirectory(), "orders.sock");
      const umask = vi.spyOn(process, "umask");
      onTestFinished(() => umask.mockRestore());

      const { linkSync } = await vi.importActual<typeof fs>("node:fs");
      const seen: number[] = [];
      vi.mocked(fs.linkSync).mockImplementationOnce((staged, final) => {
        expect(final).toBe(path);
        expect(existsSync(path)).toBe(false);
        seen.push(modeOf(dirname(String(staged))), modeOf(staged));
        linkSync(staged, final);
        seen.push(modeOf(path));
      });
      const listener = await listenAtFile(path, mode, () => {}, {});
      expect(seen).toEqual([0o700, mode, mode]);
      expect(modeOf(path)).toBe(mode);
      expect(readdirSync(dirname(path))).toEqual(["orders.sock"]);
      expect(umask).not.toHaveBeenCalled();
      await listener.close();
      expect(readdirSync(dirname(path))).toEqual([]);
    },
  );
});

describe("a start that fails leaves nothing behind", () => {
  const failure = Object.assign(new Error("EIO"), { code: "EIO" });
  const fail = (): never => {
    throw failure;
  };

  test.each([
    ["when the mode cannot be set", () => void vi.mocked(fs.chmodSync).mockImplementationOnce(fail)],
    ["when the name cannot be given", () => void vi.mocked(fs.linkSync).mockImplementationOnce(fail)],
  ])("%s", async (_, prepare) => {
    const directory = scratchDirectory();
    prepare();
    await expect(listenAtFile(join(directory, "a.sock"), 0o600, () => {}, {})).rejects.toBe(failure);
    expect(readdirSync(directory)).toEqual([]);
    expect(countListening(directory)).toBe(0);
  });
});
