import * as fs from "node:fs";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeEach, describe, expect, type Mock, onTestFinished, test, vi } from "vitest";
import {
  ALICE,
  countListening,
  failOnce,
  isRoot,
  listedUnder,
  NEEDS_ROOT,
  openUnder,
  pretendPlatform,
  scratchDirectory,
  setUmask,
} from "../../test/scratch.js";
import * as listening from "../net/listener.js";
import { type BindSettings, type BoundSocket, bindSocket } from "./socket-binding.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return {
    ...actual,
    openSync: vi.fn(actual.openSync),
    mkdirSync: vi.fn(actual.mkdirSync),
    linkSync: vi.fn(actual.linkSync),
    chmodSync: vi.fn(actual.chmodSync),
    readFileSync: vi.fn(actual.readFileSync),
  };
});
vi.mock("../net/listener.js", async (original) => {
  const actual = await original<typeof listening>();
  return { ...actual, startListening: vi.fn(actual.startListening) };
});

beforeEach(() => {
  vi.mocked(fs.linkSync).mockClear();
  vi.mocked(fs.chmodSync).mockClear();
});

const onLinux = process.platform === "linux";
const modeOf = (path: fs.PathLike): number => statSync(path).mode & 0o777;

function settings(
  mode = 0o600,
  more: { gid?: number; sharedDirectory?: boolean; trustedOwners?: number[] } = {},
): BindSettings {
  const { gid, sharedDirectory = false, trustedOwners = [] } = more;
  return { access: { mode, gid }, policy: { sharedDirectory, trustedOwners } };
}

/** Calls `act` after the socket was bound and before anything else is done to it. */
function whenBound(act: (bound: string) => void): void {
  const real = vi.mocked(listening.startListening).getMockImplementation();
  if (real === undefined) throw new Error("nothing to listen with");
  vi.mocked(listening.startListening).mockImplementationOnce(async (server, place, signal) => {
    await real(server, place, signal);
    act(String(place.path));
  });
}

describe.each([0o600, 0o660, 0o777])("a socket of mode %o", (mode) => {
  test.each([0o000, 0o002, 0o022, 0o077])(
    "lets no other user connect before it has its mode, under the umask %o, which stays (golang-ipc: row 5)",
    async (mask) => {
      setUmask(mask);
      const umask = vi.spyOn(process, "umask");
      onTestFinished(() => umask.mockRestore());
      const directory = scratchDirectory();
      const path = join(directory, "orders.sock");
      const before: number[] = [];
      const isLocked: boolean[] = [];
      whenBound((bound) => {
        // Bound at its path, or where no other user may enter.
        before.push(existsSync(path) ? modeOf(path) & 0o022 : modeOf(dirname(bound)) & 0o077);
        isLocked.push(existsSync(`${path}.lock`));
      });
      const socket = await bindSocket(path, settings(mode), undefined);
      expect(before).toEqual([0]);
      expect(isLocked).toEqual([true]);
      expect(modeOf(path)).toBe(mode);
      expect(readdirSync(directory)).toEqual(["orders.sock"]);
      expect(umask).not.toHaveBeenCalled();
      const isDirect = onLinux && (mask & 0o022) === 0o022;
      expect(socket.isListed).toBe(isDirect);
      if (onLinux) expect(listedUnder(directory)).toEqual(isDirect ? [path] : []);
      socket.close();
      expect(readdirSync(directory)).toEqual([]);
    },
  );
});

describe("the server stages a socket, and gives it its name only with its mode,", () => {
  /** Binds, and returns what is found at the time when the name is given. */
  async function bindStaged(how: BindSettings, directory = scratchDirectory()): Promise<number[]> {
    const path = join(directory, "a.sock");
    const { linkSync } = await vi.importActual<typeof fs>("node:fs");
    const seen: number[] = [];
    vi.mocked(fs.linkSync).mockImplementationOnce((staged, final) => {
      expect([basename(String(staged)), existsSync(path)]).toEqual(["~", false]);
      seen.push(modeOf(dirname(String(staged))), modeOf(staged));
      linkSync(staged, final);
      seen.push(modeOf(path));
    });
    const socket = await bindSocket(path, how, undefined);
    expect(socket.isListed).toBe(false);
    expect(readdirSync(directory)).toEqual(["a.sock"]);
    socket.close();
    expect(readdirSync(directory)).toEqual([]);
    return seen;
  }

  test("when the umask lets others write", async () => {
    setUmask(0o002);
    expect(await bindStaged(settings(0o660))).toEqual([0o700, 0o660, 0o660]);
  });

  test("when the directory is shared", async () => {
    setUmask(0o077);
    const directory = scratchDirectory();
    chmodSync(directory, 0o775);
    expect(await bindStaged(settings(0o777, { sharedDirectory: true }), directory)).toEqual([0o700, 0o777, 0o777]);
  });

  test("when sharedDirectory is set, though the directory is not shared", async () => {
    expect(await bindStaged(settings(0o600, { sharedDirectory: true }))).toEqual([0o700, 0o600, 0o600]);
  });

  test("when a trusted owner could exchange it", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const directory = scratchDirectory();
    chownSync(directory, ALICE, ALICE);
    expect(await bindStaged(settings(0o600, { trustedOwners: [ALICE] }), directory)).toEqual([0o700, 0o600, 0o600]);
  });

  test("when the system has no paths of descriptors", async () => {
    pretendPlatform("darwin");
    expect(await bindStaged(settings(0o600))).toEqual([0o700, 0o600, 0o600]);
  });

  test("when the kernel does not tell the umask", async ({ skip }) => {
    skip(!onLinux, "only Linux tells the umask");
    vi.mocked(fs.readFileSync).mockReturnValueOnce("Name:\tnode\n");
    expect(await bindStaged(settings(0o600))).toEqual([0o700, 0o600, 0o600]);
  });

  test("when default ACLs override the umask", async ({ skip }) => {
    skip(!onLinux, "only Linux tells the umask");
    whenBound((bound) => chmodSync(bound, 0o775));
    expect(await bindStaged(settings(0o600))).toEqual([0o700, 0o600, 0o600]);
  });
});

test("does not list its path when a link is on the way", async ({ skip }) => {
  skip(!onLinux, "only Linux lists listeners");
  const base = scratchDirectory();
  const real = join(base, "run");
  mkdirSync(real);
  symlinkSync("run", join(base, "link"));
  for (const [directory, isListed] of [
    [real, true],
    [join(base, "link"), false],
  ] as const) {
    const socket = await bindSocket(join(directory, "a.sock"), settings(), undefined);
    expect([socket.isListed, readdirSync(real)]).toEqual([isListed, ["a.sock"]]);
    socket.close();
    expect(readdirSync(real)).toEqual([]);
  }
});

describe("a start that fails leaves no file", () => {
  const { openSync, mkdirSync, chmodSync, linkSync } = fs;
  const calls = { openSync, mkdirSync, chmodSync, linkSync };
  /** The calls of a start that succeeds. */
  const direct = { openSync: 3, mkdirSync: 0, chmodSync: 1, linkSync: 0 };
  const staged = { openSync: onLinux ? 4 : 1, mkdirSync: 1, chmodSync: 1, linkSync: 1 };
  const names = ["openSync", "mkdirSync", "chmodSync", "linkSync"] as const;
  const cases = names.flatMap((name) => [
    { name, sharedDirectory: false, count: (onLinux ? direct : staged)[name] },
    { name, sharedDirectory: true, count: staged[name] },
  ]);

  test.each(cases)("when any call of $name fails, sharedDirectory $sharedDirectory", async (each) => {
    const { name, sharedDirectory, count } = each;
    const directory = scratchDirectory();
    const mock: Mock<(...args: never[]) => unknown> = vi.mocked(calls[name]);
    const actual = mock.getMockImplementation() ?? (() => {});
    onTestFinished(() => void mock.mockReset());
    const start = (): Promise<BoundSocket> =>
      bindSocket(join(directory, "a.sock"), settings(0o600, { sharedDirectory }), undefined);
    for (let failing = 0; failing < count; failing++) {
      for (let before = 0; before < failing; before++) mock.mockImplementationOnce(actual);
      failOnce(mock, "EMFILE");
      await expect(start()).rejects.toMatchObject({ code: "EMFILE" });
      expect([readdirSync(directory), openUnder(directory), countListening(directory)]).toEqual([[], [], 0]);
    }
    mock.mockClear();
    const socket = await start();
    expect(mock).toHaveBeenCalledTimes(count);
    expect(openUnder(directory)).toHaveLength(onLinux && sharedDirectory ? 1 : 0);
    socket.close();
    expect([readdirSync(directory), openUnder(directory)]).toEqual([[], []]);
  });

  test("when the socket file is removed at once", async () => {
    const directory = scratchDirectory();
    whenBound((bound) => rmSync(bound));
    await expect(bindSocket(join(directory, "a.sock"), settings(), undefined)).rejects.toMatchObject({
      code: "IPC_TRANSPORT_FAILED",
      message: expect.stringContaining("removed or replaced"),
    });
    expect([readdirSync(directory), openUnder(directory)]).toEqual([[], []]);
  });
});

test.each([false, true])(
  "checks the name again when it is taken during the start, sharedDirectory %s",
  async (sharedDirectory) => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    const real = vi.mocked(listening.startListening).getMockImplementation();
    // By a program that does not know the lock.
    vi.mocked(listening.startListening).mockImplementationOnce(async (server, place, signal) => {
      writeFileSync(path, "precious");
      await real?.(server, place, signal);
    });
    await expect(bindSocket(path, settings(0o600, { sharedDirectory }), undefined)).rejects.toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining("a plain file"),
    });
    expect([readdirSync(directory), openUnder(directory)]).toEqual([["a.sock"], []]);
    expect(readFileSync(path, "utf8")).toBe("precious");
  },
);

test("removes nothing when a staged socket with a path through its descriptor closes", async () => {
  const directory = scratchDirectory();
  const socket = await bindSocket(join(directory, "a.sock"), settings(0o600, { sharedDirectory: true }), undefined);
  const other = scratchDirectory();
  writeFileSync(join(other, "~"), "precious");
  const descriptors = Array.from({ length: 20 }, () => fs.openSync(other, "r"));
  socket.close();
  for (const descriptor of descriptors) fs.closeSync(descriptor);
  expect(readdirSync(other)).toEqual(["~"]);
  expect(readdirSync(directory)).toEqual([]);
});
