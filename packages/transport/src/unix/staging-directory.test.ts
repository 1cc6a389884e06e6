import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { scratchDirectory } from "../../test/scratch.js";
import { ensureDirectory, StagingDirectory } from "./staging-directory.js";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("a directory", () => {
  test("that is missing is made for this user alone, its parents too", () => {
    const parent = join(scratchDirectory(), "run");
    const directory = join(parent, "orders");
    ensureDirectory(directory);
    ensureDirectory(directory);
    expect([modeOf(parent), modeOf(directory)]).toEqual([0o700, 0o700]);
  });

  test("that exists keeps its mode, behind a link too", () => {
    const parent = scratchDirectory();
    const directory = join(parent, "run");
    mkdirSync(directory);
    const before = modeOf(directory);
    symlinkSync(directory, join(parent, "link"));
    ensureDirectory(directory);
    ensureDirectory(join(parent, "link"));
    expect(modeOf(directory)).toBe(before);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("that is a plain file is refused", () => {
    const path = join(scratchDirectory(), "run");
    writeFileSync(path, "precious");
    expect(() => ensureDirectory(path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    // Node.js 20 says ENOTDIR, later ones EEXIST.
    const code: unknown = expect.stringMatching(/^(ENOTDIR|EEXIST)$/);
    expect(() => ensureDirectory(join(path, "orders"))).toThrow(expect.objectContaining({ code }));
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("that comes out as another's is refused", () => {
    const user = vi.spyOn(process, "geteuid").mockReturnValue(12_345);
    onTestFinished(() => user.mockRestore());
    expect(() => ensureDirectory(join(scratchDirectory(), "run"))).toThrow(
      expect.objectContaining({ code: "IPC_PERMISSION_DENIED", message: expect.stringContaining("mode 0700") }),
    );
  });
});

describe("a staging directory", () => {
  test("is this user's alone, and gone after removal with the socket in it", () => {
    const directory = scratchDirectory();
    const staging = StagingDirectory.make(join(directory, "orders.sock"));
    expect(readdirSync(directory)).toHaveLength(1);
    expect(dirname(dirname(staging.socket))).toBe(directory);
    expect(modeOf(dirname(staging.socket))).toBe(0o700);
    writeFileSync(staging.socket, "");
    staging.remove();
    staging.remove();
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each(["a", "ab", "orders", "orders_manager", "x".repeat(64)])(
    "gives %j no longer path than it will have",
    (name) => {
      const path = join(scratchDirectory(), `${name}.sock`);
      const { socket } = StagingDirectory.make(path);
      expect(socket.length).toBeLessThanOrEqual(path.length);
      expect(socket).toMatch(/\/\.[a-z0-9]{3,8}\/~$/);
    },
  );

  test("takes another name when its first is taken, and gives up when all are", () => {
    const directory = scratchDirectory();
    const random = vi.spyOn(Math, "random").mockReturnValue(0);
    onTestFinished(() => random.mockRestore());
    const path = join(directory, "a.sock");
    expect(StagingDirectory.make(path).socket).toBe(`${directory}/.000/~`);
    expect(() => StagingDirectory.make(path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    random.mockReturnValueOnce(0).mockReturnValueOnce(0).mockReturnValueOnce(0.5);
    expect(existsSync(dirname(StagingDirectory.make(path).socket))).toBe(true);
  });
});
