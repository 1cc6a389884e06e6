import * as fs from "node:fs";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { countListening, leaveStaleSocket, pretendPlatform, scratchDirectory } from "../../test/scratch.js";
import * as listening from "../net/listener.js";
import { type BindSettings, bindSocket } from "./socket-binding.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return {
    ...actual,
    chmodSync: vi.fn(actual.chmodSync),
    existsSync: vi.fn(actual.existsSync),
    linkSync: vi.fn(actual.linkSync),
    mkdirSync: vi.fn(actual.mkdirSync),
  };
});
vi.mock("../net/listener.js", async (original) => {
  const actual = await original<typeof listening>();
  return { ...actual, startListening: vi.fn(actual.startListening) };
});

const ONLY_LINUX = "only Linux has paths of descriptors";
const onLinux = process.platform === "linux";
const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** A server for every user; with `sharedDirectory`, it is staged. */
function settings(sharedDirectory: boolean): BindSettings {
  return { access: { mode: 0o777, gid: undefined }, policy: { sharedDirectory, trustedOwners: [] } };
}

/** Makes a file with a mode that must stay. */
function makeVictim(): string {
  const victim = join(scratchDirectory(), "victim");
  writeFileSync(victim, "precious", { mode: 0o600 });
  return victim;
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

/** Returns the staging directory in `directory`. */
function stagingIn(directory: string): string {
  const name = readdirSync(directory).find((found) => /^\.[0-9a-z]{13}$/.test(found));
  if (name === undefined) throw new Error(`nothing is staged in ${directory}`);
  return join(directory, name);
}

describe("the server leaves a file that another user put in the socket's place unchanged", () => {
  test("when it binds the socket at its path", async ({ skip }) => {
    skip(!onLinux, ONLY_LINUX);
    const directory = scratchDirectory();
    const victim = makeVictim();
    whenBound((bound) => {
      renameSync(bound, `${bound}.moved`);
      symlinkSync(victim, bound);
    });
    const starting = bindSocket(join(directory, "a.sock"), settings(false), undefined);
    await expect(starting).rejects.toMatchObject({ code: "IPC_TRANSPORT_FAILED" });
    expect(modeOf(victim)).toBe(0o600);
    expect(countListening(directory)).toBe(0);
  });

  test("when it binds the socket at its path, and the file comes at the last moment", async ({ skip }) => {
    skip(!onLinux, ONLY_LINUX);
    const path = join(scratchDirectory(), "a.sock");
    const victim = makeVictim();
    const { chmodSync: chmod } = await vi.importActual<typeof fs>("node:fs");
    vi.mocked(fs.chmodSync).mockImplementationOnce((target, mode) => {
      renameSync(path, `${path}.moved`);
      symlinkSync(victim, path);
      chmod(target, mode);
    });
    (await bindSocket(path, settings(false), undefined)).close();
    expect([modeOf(victim), modeOf(`${path}.moved`)]).toEqual([0o600, 0o777]);
  });

  test("when it stages the socket in a directory that others can write", async ({ skip }) => {
    skip(!onLinux, ONLY_LINUX);
    const directory = scratchDirectory();
    chmodSync(directory, 0o777);
    const victim = makeVictim();
    whenBound(() => {
      const staging = stagingIn(directory);
      renameSync(staging, `${staging}.moved`);
      mkdirSync(staging);
      symlinkSync(victim, join(staging, "~"));
    });
    (await bindSocket(join(directory, "a.sock"), settings(true), undefined)).close();
    expect(modeOf(victim)).toBe(0o600);
    expect(countListening(directory)).toBe(0);
  });
});

describe("the server creates nothing in a directory that replaces the checked one", () => {
  /** Exchanges the directory of the socket inside the next call that `call` mocks. */
  async function exchangedIn(call: "mkdirSync" | "linkSync"): Promise<{ checked: string[]; exchanged: string[] }> {
    const base = scratchDirectory();
    const [directory, moved] = [join(base, "run"), join(base, "moved")];
    mkdirSync(directory);
    const actual = await vi.importActual<typeof fs>("node:fs");
    const exchange = (): void => {
      renameSync(directory, moved);
      actual.mkdirSync(directory);
    };
    if (call === "mkdirSync") {
      vi.mocked(fs.mkdirSync).mockImplementationOnce((...wanted) => {
        exchange();
        return actual.mkdirSync(...wanted);
      });
    } else {
      vi.mocked(fs.linkSync).mockImplementationOnce((...wanted) => {
        exchange();
        actual.linkSync(...wanted);
      });
    }
    const socket = await bindSocket(join(directory, "a.sock"), settings(true), undefined);
    const found = { checked: readdirSync(moved), exchanged: readdirSync(directory) };
    socket.close();
    return found;
  }

  test.for(["mkdirSync", "linkSync"] as const)("during %s", async (call, { skip }) => {
    skip(!onLinux, ONLY_LINUX);
    // The lock is there, too, because its path leads to it no longer.
    expect(await exchangedIn(call)).toEqual({ checked: ["a.sock", "a.sock.lock"], exchanged: [] });
  });
});

describe("a directory in which others can exchange files", () => {
  const without: readonly [string, () => void][] = [
    ["on macOS", () => pretendPlatform("darwin")],
    [
      "on Linux without /proc",
      () => {
        const exists = vi.mocked(fs.existsSync).mockReturnValue(false);
        onTestFinished(() => void exists.mockReset());
      },
    ],
  ];

  test.each(without)(
    "is rejected %s with sharedDirectory, before anything is created or removed",
    async (_, pretend) => {
      const directory = scratchDirectory();
      const path = join(directory, "a.sock");
      await leaveStaleSocket(path);
      chmodSync(directory, 0o777);
      const { ino } = lstatSync(path);
      pretend();
      await expect(bindSocket(path, settings(true), undefined)).rejects.toMatchObject({
        code: "IPC_UNTRUSTED_SOCKET",
        message: expect.stringMatching(/other users can exchange .* in \/.*`sharedDirectory` .* Linux .*; choose/),
      });
      expect(readdirSync(directory)).toEqual(["a.sock"]);
      expect(lstatSync(path).ino).toBe(ino);
      chmodSync(directory, 0o755);
      (await bindSocket(path, settings(true), undefined)).close();
    },
  );
});
