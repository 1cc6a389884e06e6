import { execFileSync, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { disown, keepLockFresh, scratchDirectory, turns } from "../../test/scratch.js";
import { SocketLock } from "./takeover-lock.js";

const DEAD = 1 + 0x7fff_fff0;

function place(): { directory: string; socket: string; lock: string } {
  const directory = scratchDirectory();
  return { directory, socket: join(directory, "a.sock"), lock: join(directory, "a.sock.lock") };
}

test("has its owner's pid and mode 0600, and is gone after its release", async () => {
  const { directory, socket, lock } = place();
  const held = await SocketLock.acquire(socket, undefined);
  expect(readFileSync(lock, "utf8")).toBe(`${process.pid}\n`);
  expect(lstatSync(lock).mode & 0o077).toBe(0);
  expect(held.isHeld()).toBe(true);
  held.release();
  held.release();
  expect(held.isHeld()).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

test("makes a second holder wait for the first", async () => {
  const { socket, lock } = place();
  const first = await SocketLock.acquire(socket, undefined);
  keepLockFresh(lock);
  let second: SocketLock | undefined;
  const waiting = SocketLock.acquire(socket, undefined).then((acquired) => {
    second = acquired;
  });
  await turns(20);
  expect(second).toBeUndefined();
  first.release();
  await waiting;
  expect(second?.isHeld()).toBe(true);
  second?.release();
});

describe("a takeover lock is broken", () => {
  test("when its owner is dead", async () => {
    const { socket, lock } = place();
    const { pid } = spawnSync("true");
    writeFileSync(lock, `${pid}\n`);
    (await SocketLock.acquire(socket, undefined)).release();
    writeFileSync(lock, `${DEAD}\n`);
    (await SocketLock.acquire(socket, undefined)).release();
  });

  test.each([-11, 3_600])("when its time is %d s from now, whichever process owns it", async (seconds) => {
    const { socket, lock } = place();
    for (const content of [`${process.pid}\n`, "", "no pid"]) {
      writeFileSync(lock, content);
      const time = Date.now() / 1_000 + seconds;
      utimesSync(lock, time, time);
      (await SocketLock.acquire(socket, undefined)).release();
    }
  });
});

test("tells a holder that its lock was broken, and lets it release no later lock", async () => {
  const { socket, lock } = place();
  const first = await SocketLock.acquire(socket, undefined);
  const time = Date.now() / 1_000 - 60;
  utimesSync(lock, time, time);
  const second = await SocketLock.acquire(socket, undefined);
  expect(first.isHeld()).toBe(false);
  first.release();
  expect(second.isHeld()).toBe(true);
  second.release();
});

test.each([
  ["a directory", mkdirSync],
  ["a symbolic link", (path: string) => symlinkSync("/nowhere", path)],
  ["a device or a pipe", (path: string) => execFileSync("mkfifo", [path])],
])("rejects a file that is %s instead of a lock, and leaves it", async (what, make) => {
  const { socket, lock, directory } = place();
  make(lock);
  await expect(SocketLock.acquire(socket, undefined)).rejects.toMatchObject({
    code: "IPC_ADDRESS_IN_USE",
    message: expect.stringContaining(what),
  });
  expect(readdirSync(directory)).toEqual(["a.sock.lock"]);
});

test("does not wait for another user's fresh lock, and does not break an old one", async () => {
  const { socket, lock, directory } = place();
  writeFileSync(lock, `${DEAD}\n`);
  keepLockFresh(lock);
  const owner = disown(lock);
  for (const seconds of [0, 3_600]) {
    const time = Date.now() / 1_000 - seconds;
    utimesSync(lock, time, time);
    await expect(SocketLock.acquire(socket, undefined)).rejects.toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining(`${lock}, the lock for taking the socket's name, belongs to user ${owner}`),
    });
  }
  expect(readdirSync(directory)).toEqual(["a.sock.lock"]);
});

test.each([
  ["nothing", ""],
  ["no pid", "no pid\n"],
  ["a negative pid", "-1\n"],
  ["pid 0", "0\n"],
  ["too large a pid", "99999999999\n"],
  ["the pid of this process without a newline", `${process.pid}`],
])("waits for a fresh lock until the abort when the lock holds %s", async (_what, content) => {
  const { socket, lock } = place();
  writeFileSync(lock, content);
  keepLockFresh(lock);
  const abort = new AbortController();
  const waiting = SocketLock.acquire(socket, abort.signal);
  await turns(5);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  expect(readFileSync(lock, "utf8")).toBe(content);
  unlinkSync(lock);
});
