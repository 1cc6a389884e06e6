import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { isRoot, leaveStaleSocket, OTHER_USER, scratchDirectory } from "../../test/scratch.js";
import { ensureKeyFile, readKeyFile } from "./key-file.js";
import { type KeyFilePlace, resolveKeyFile } from "./key-file-place.js";

const user = process.geteuid?.();
const KEY = randomBytes(32);

/** A place in a private directory that exists, the file not. */
function emptyPlace(): KeyFilePlace {
  const place = resolveKeyFile("orders", true, { runtime: scratchDirectory(), temporary: "/nowhere" });
  mkdirSync(dirname(place.path), { mode: 0o700 });
  return place;
}

/** Everything about a file that a check must not change. */
function stateOf(path: string): unknown {
  const { ino, mode, uid, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  return { ino, mode, uid, size, mtimeNs, ctimeNs };
}

const untrusted = (message: string): unknown =>
  expect.objectContaining({
    name: "TransportError",
    code: "IPC_KEY_FILE_UNTRUSTED",
    message: expect.stringContaining(message),
  });

describe.each([
  ["a server", ensureKeyFile],
  ["a client", readKeyFile],
])("%s rejects, and leaves unchanged,", (_, get) => {
  const expectRefusal = (place: KeyFilePlace, message: string): void => {
    const before = stateOf(place.path);
    expect(() => get(place)).toThrow(untrusted(message));
    expect(stateOf(place.path)).toEqual(before);
    expect(readdirSync(dirname(place.path))).toContain("orders.key");
  };

  test.each(["0601", "0602", "0604", "0610", "0620", "0640", "0644", "0660", "0666", "0777"])(
    "a file with mode %s",
    (mode) => {
      const place = emptyPlace();
      writeFileSync(place.path, KEY);
      chmodSync(place.path, mode);
      expectRefusal(place, `the key file ${place.path} has mode ${mode} instead of 0600`);
    },
  );

  test.each([0, 1, 31, 33, 64, 65_536])("a file of %d bytes", (bytes) => {
    const place = emptyPlace();
    writeFileSync(place.path, randomBytes(bytes), { mode: 0o600 });
    expectRefusal(place, `holds ${bytes} bytes, not 32`);
  });

  test("a file of 32 zeros", () => {
    const place = emptyPlace();
    writeFileSync(place.path, Buffer.alloc(32), { mode: 0o600 });
    expectRefusal(place, `the key file ${place.path} holds only zeros`);
  });

  test("a file that another user owns", ({ skip }) => {
    skip(!isRoot, "only root can give a file away");
    const place = emptyPlace();
    writeFileSync(place.path, KEY, { mode: 0o600 });
    chownSync(place.path, OTHER_USER, OTHER_USER);
    expectRefusal(place, `the key file ${place.path} belongs to user ${OTHER_USER}, not to this user (${user})`);
  });

  test("a file that root owns, when the process is another user", ({ skip }) => {
    skip(!isRoot, "only root has files of root");
    const place = resolveKeyFile("orders", join(scratchDirectory(), "orders.key"));
    writeFileSync(place.path, KEY, { mode: 0o600 });
    const other = vi.spyOn(process, "geteuid").mockReturnValue(OTHER_USER);
    onTestFinished(() => other.mockRestore());
    expectRefusal(place, `belongs to user 0, not to this user (${OTHER_USER})`);
  });

  test.each([
    ["a directory", "a directory", (path: string) => mkdirSync(path, { mode: 0o700 })],
    ["a pipe, without waiting for a writer", "a device or a pipe", (path: string) => execFileSync("mkfifo", [path])],
    ["a socket", "a socket", leaveStaleSocket],
    ["a link to nothing", "a symbolic link", (path: string) => symlinkSync("nothing", path)],
    [
      "a link to a file that would do",
      "a symbolic link",
      (path: string) => {
        writeFileSync(`${path}.real`, KEY, { mode: 0o600 });
        symlinkSync(`${path}.real`, path);
      },
    ],
  ])("%s", async (_case, what, make) => {
    const place = emptyPlace();
    await make(place.path);
    expectRefusal(place, `${place.path} is ${what}, not a key file`);
  });

  test("a good file in a directory that is rejected", () => {
    const place = emptyPlace();
    writeFileSync(place.path, KEY, { mode: 0o600 });
    chmodSync(dirname(place.path), 0o755);
    expectRefusal(place, `${dirname(place.path)} has mode 0755`);
  });
});

test("creates nothing for a server when the directory is rejected", () => {
  const place = emptyPlace();
  chmodSync(dirname(place.path), 0o755);
  expect(() => ensureKeyFile(place)).toThrow(untrusted("0755"));
  expect(readdirSync(dirname(place.path))).toEqual([]);
});

test.each(["0400", "0600", "0700"])("accepts a file that only its owner has rights to: mode %s", (mode) => {
  const place = emptyPlace();
  writeFileSync(place.path, KEY);
  chmodSync(place.path, mode);
  expect([ensureKeyFile(place), readKeyFile(place)].map((key) => Buffer.from(key))).toEqual([KEY, KEY]);
});

test("rejects a name that another user took in a sticky directory that every user can write", ({ skip }) => {
  skip(!isRoot, "only root can give a file away");
  const directory = scratchDirectory();
  chmodSync(directory, 0o1777);
  const taken = resolveKeyFile("orders", join(directory, "taken"));
  writeFileSync(taken.path, KEY, { mode: 0o600 });
  chownSync(taken.path, OTHER_USER, OTHER_USER);
  expect(() => ensureKeyFile(taken)).toThrow(untrusted(`belongs to user ${OTHER_USER}`));
  expect(readFileSync(taken.path)).toEqual(KEY);
  const free = resolveKeyFile("orders", join(directory, "free"));
  expect(ensureKeyFile(free)).toEqual(readKeyFile(free));
});

test("shows no byte of the key in any error", () => {
  const place = emptyPlace();
  // Letters, so that they would show in a message whichever way they came in.
  const key = "a-key-that-must-not-be-told-anyb";
  const errors: unknown[] = [];
  for (const [bytes, mode] of [
    [key, 0o644],
    [`${key}!`, 0o600],
    [key.slice(1), 0o600],
  ] as const) {
    writeFileSync(place.path, bytes);
    chmodSync(place.path, mode);
    for (const get of [ensureKeyFile, readKeyFile]) {
      try {
        get(place);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  expect(errors).toHaveLength(6);
  const told = inspect(errors, { depth: Infinity, showHidden: true });
  for (const encoding of ["latin1", "hex", "base64", "base64url"] as const) {
    expect(told).not.toContain(Buffer.from(key.slice(3, 27), "latin1").toString(encoding));
  }
});
