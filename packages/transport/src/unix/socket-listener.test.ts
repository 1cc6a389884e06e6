import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { LOOK_MS, openListener } from "../../test/open-listener.js";
import { countListening, leaveStaleSocket, openUnder, startForeignServer, turns } from "../../test/scratch.js";
import { connectSocket } from "../net/connect.js";
import { NetListener } from "../net/listener.js";
import * as binding from "./socket-binding.js";

vi.mock("./socket-binding.js", async (original) => {
  const actual = await original<typeof binding>();
  return { ...actual, bindSocket: vi.fn(actual.bindSocket) };
});

// Fake timers replace the global functions only.
vi.mock("node:timers", () => ({
  setInterval: vi.fn((...wanted: Parameters<typeof setInterval>) => setInterval(...wanted)),
  clearInterval: (timer: NodeJS.Timeout) => clearInterval(timer),
  setTimeout: (...wanted: Parameters<typeof setTimeout>) => setTimeout(...wanted),
  clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
}));

const DAY_MS = 86_400_000;

describe("a listener whose socket file vanishes", () => {
  test.each([false, true])("creates the file again at its next check, sharedDirectory %s", async (sharedDirectory) => {
    const { directory, address, listener, onLost, onRelisted, settled, answers } = await openListener({
      sharedDirectory,
    });
    const before = await connectSocket({ path: address }, undefined);
    rmSync(address);
    vi.advanceTimersByTime(LOOK_MS - 1);
    expect(readdirSync(directory)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await settled).toBe("relisted");
    expect(lstatSync(address).mode & 0o777).toBe(0o600);
    expect(await answers()).toBe(true);
    before.end("still here");
    expect(await text(before)).toBe("still here");
    if (process.platform === "linux" && !sharedDirectory) expect(countListening(directory)).toBe(1);
    expect([onLost.mock.calls.length, onRelisted.mock.calls.length]).toEqual([0, 1]);
    // A staged listener holds its staging directory.
    expect(openUnder(directory)).toHaveLength(process.platform === "linux" && sharedDirectory ? 1 : 0);
    await listener.close();
    expect([readdirSync(directory), openUnder(directory)]).toEqual([[], []]);
  });

  test("creates the file again each time, with its directory", async () => {
    const { directory, onRelisted, answers } = await openListener();
    for (let time = 1; time <= 3; time++) {
      rmSync(directory, { recursive: true });
      vi.advanceTimersByTime(LOOK_MS);
      while (onRelisted.mock.calls.length < time) await turns(1);
      expect(await answers()).toBe(true);
    }
  });

  test("keeps every client that connected before", async () => {
    const { address, settled } = await openListener();
    const early = connectSocket({ path: address }, undefined);
    rmSync(address);
    // The event loop has not turned since, so the server has not accepted the client yet.
    vi.advanceTimersByTime(LOOK_MS);
    const socket = await early;
    expect(await settled).toBe("relisted");
    socket.end("hello");
    expect(await text(socket)).toBe("hello");
  });

  test("does not create the file again when it was closed meanwhile", async () => {
    for (let turn = 0; turn < 12; turn++) {
      const { directory, address, listener, onLost } = await openListener();
      rmSync(address);
      vi.advanceTimersByTime(LOOK_MS);
      await turns(turn);
      await listener.close();
      await turns(5);
      expect(readdirSync(directory)).toEqual([]);
      expect(countListening(directory)).toBe(0);
      expect(onLost).not.toHaveBeenCalled();
    }
  });

  test.each([
    ["a file that is no directory", (directory: string) => writeFileSync(directory, "precious")],
    ["a circle of links", (directory: string) => symlinkSync("run", directory)],
  ])("ends when %s has the place of its directory", async (what, make) => {
    const { directory, settled, onLost, onRelisted } = await openListener();
    rmSync(directory, { recursive: true });
    make(directory);
    const { ino } = lstatSync(directory);
    vi.advanceTimersByTime(LOOK_MS);
    expect(await settled).toBe("lost");
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({
        code: "IPC_LISTENER_LOST",
        message: expect.stringContaining(`was replaced by a path through ${what}`),
      }),
    );
    expect(onRelisted).not.toHaveBeenCalled();
    expect(lstatSync(directory).ino).toBe(ino);
  });

  test("ends when another server was started there meanwhile", async () => {
    const { address, settled, onLost } = await openListener();
    rmSync(address);
    vi.mocked(binding.bindSocket).mockImplementationOnce(async (...wanted) => {
      await startForeignServer(address);
      const { bindSocket } = await vi.importActual<typeof binding>("./socket-binding.js");
      return bindSocket(...wanted);
    });
    vi.advanceTimersByTime(LOOK_MS);
    expect(await settled).toBe("lost");
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({ cause: expect.objectContaining({ code: "IPC_ADDRESS_IN_USE" }) }),
    );
    expect(lstatSync(address).isSocket()).toBe(true);
  });
});

describe("a listener whose socket file is replaced", () => {
  test.each([
    ["a server's socket", "a socket of user", startForeignServer],
    ["a socket that a killed server left", "a socket of user", leaveStaleSocket],
    ["a plain file", "a plain file", (path: string) => writeFileSync(path, "precious")],
    ["a directory", "a directory", (path: string) => void mkdirSync(path)],
  ])("ends, and leaves %s", async (_what, says, make) => {
    const { directory, address, listener, onLost, onRelisted } = await openListener();
    rmSync(address);
    await make(address);
    const { ino } = lstatSync(address);
    const left = readdirSync(directory);
    vi.advanceTimersByTime(LOOK_MS);
    expect(onLost).toHaveBeenCalledTimes(1);
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({
        code: "IPC_LISTENER_LOST",
        message: expect.stringMatching(new RegExp(`${address} was replaced by ${says}`)),
      }),
    );
    vi.advanceTimersByTime(10 * LOOK_MS);
    await listener.close();
    expect(onLost).toHaveBeenCalledTimes(1);
    expect(onRelisted).not.toHaveBeenCalled();
    expect(lstatSync(address).ino).toBe(ino);
    expect(readdirSync(directory)).toEqual(left);
  });
});

describe("a check of the socket file changes nothing", () => {
  test("when the owner has changed the file's mode, times or links", async () => {
    const { address, onLost, onRelisted, answers } = await openListener();
    chmodSync(address, 0o660);
    utimesSync(address, 1, 1);
    renameSync(address, `${address}.moved`);
    renameSync(`${address}.moved`, address);
    vi.advanceTimersByTime(10 * LOOK_MS);
    await turns(5);
    expect([onLost.mock.calls.length, onRelisted.mock.calls.length]).toEqual([0, 0]);
    expect(await answers()).toBe(true);
  });

  test("after the close", async () => {
    const { address, listener, onLost, onRelisted } = await openListener();
    await listener.close();
    writeFileSync(address, "precious");
    vi.advanceTimersByTime(10 * LOOK_MS);
    expect(vi.getTimerCount()).toBe(0);
    expect([onLost.mock.calls.length, onRelisted.mock.calls.length]).toEqual([0, 0]);
  });
});

test("touches a file that the kernel does not list once a day, and leaves the times of a listed one", async () => {
  const staged = await openListener({ sharedDirectory: true });
  const old = Date.now() / 1_000 - 1_000_000;
  utimesSync(staged.address, old, old);
  vi.advanceTimersByTime(DAY_MS - LOOK_MS);
  expect(lstatSync(staged.address).mtimeMs).toBeCloseTo(old * 1_000, -1);
  vi.advanceTimersByTime(LOOK_MS);
  for (const time of ["atimeMs", "mtimeMs"] as const)
    expect(lstatSync(staged.address)[time]).toBeCloseTo(Date.now(), -1);
  if (process.platform !== "linux") return;
  const listed = await openListener();
  utimesSync(listed.address, old, old);
  vi.advanceTimersByTime(2 * DAY_MS);
  expect(lstatSync(listed.address).mtimeMs).toBeCloseTo(old * 1_000, -1);
});

test("stays unreferenced when it listens again", async () => {
  const { address, listener, settled } = await openListener();
  const unref = vi.spyOn(NetListener.prototype, "unref");
  onTestFinished(() => unref.mockRestore());
  rmSync(address);
  vi.advanceTimersByTime(LOOK_MS);
  listener.unref();
  expect(unref).not.toHaveBeenCalled();
  expect(await settled).toBe("relisted");
  expect(unref).toHaveBeenCalledTimes(1);
  const ref = vi.spyOn(NetListener.prototype, "ref");
  onTestFinished(() => ref.mockRestore());
  listener.ref();
  expect(ref).toHaveBeenCalledTimes(1);
});
