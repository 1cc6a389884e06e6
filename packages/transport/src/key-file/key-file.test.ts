import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { scratchDirectory } from "../../test/scratch.js";
import { ensureKeyFile, readKeyFile } from "./key-file.js";
import { type KeyFilePlace, resolveKeyFile } from "./key-file-place.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof import("node:fs")>();
  return {
    ...actual,
    fstatSync: vi.fn(actual.fstatSync),
    fsyncSync: vi.fn(actual.fsyncSync),
    linkSync: vi.fn(actual.linkSync),
    openSync: vi.fn(actual.openSync),
    readSync: vi.fn(actual.readSync),
    unlinkSync: vi.fn(actual.unlinkSync),
    writeFileSync: vi.fn(actual.writeFileSync),
  };
});

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: told by the test`), { code });
}

/** The place of a key file in a fresh runtime directory. */
function privatePlace(): KeyFilePlace {
  return resolveKeyFile("orders", true, { runtime: scratchDirectory(), temporary: "/nowhere" });
}

/** The place of a key file at a given path. */
function givenPlace(): KeyFilePlace {
  return resolveKeyFile("orders", join(scratchDirectory(), "key"));
}

describe.each([
  ["in its private directory", privatePlace],
  ["at a given path", givenPlace],
])("a key file %s", (_, makePlace) => {
  test("is made with 32 bytes, for this user alone, and nothing else is left", () => {
    const place = makePlace();
    const key = ensureKeyFile(place);
    expect(key).toHaveLength(32);
    expect(new Uint8Array(readFileSync(place.path))).toEqual(key);
    const { mode, uid, nlink } = lstatSync(place.path);
    expect([mode & 0o7777, uid, nlink]).toEqual([0o600, process.geteuid?.(), 1]);
    expect(readdirSync(dirname(place.path))).toHaveLength(1);
  });

  test.each([0, 0o277])("has mode 0600 whatever the umask, also %o", (umask) => {
    const place = makePlace();
    mkdirSync(dirname(place.path), { recursive: true, mode: 0o700 });
    const before = process.umask(umask);
    try {
      ensureKeyFile(place);
    } finally {
      process.umask(before);
    }
    expect(lstatSync(place.path).mode & 0o7777).toBe(0o600);
  });

  test("is used again by the next server, and read by a client", () => {
    const place = makePlace();
    const key = ensureKeyFile(place);
    const before = lstatSync(place.path, { bigint: true });
    expect(ensureKeyFile(place)).toEqual(key);
    expect(readKeyFile(place)).toEqual(key);
    expect(lstatSync(place.path, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  test("is made anew after its removal, with another key, which a client reads", () => {
    const place = makePlace();
    const key = ensureKeyFile(place);
    unlinkSync(place.path);
    const next = ensureKeyFile(place);
    expect(next).not.toEqual(key);
    expect(readKeyFile(place)).toEqual(next);
  });

  test("that is missing is no server yet to a client, which makes nothing", () => {
    const place = makePlace();
    const noServer = expect.objectContaining({ code: "IPC_NO_SERVER", message: expect.stringContaining(place.path) });
    expect(() => readKeyFile(place)).toThrow(noServer);
    expect(existsSync(place.path)).toBe(false);
    ensureKeyFile(place);
    unlinkSync(place.path);
    expect(() => readKeyFile(place)).toThrow(noServer);
  });
});

test("the key is on the disk before it has its name, and in no other memory than the caller's", () => {
  const place = privatePlace();
  const named: boolean[] = [];
  vi.mocked(fs.fsyncSync).mockImplementationOnce(() => void named.push(existsSync(place.path)));
  vi.mocked(fs.writeFileSync).mockClear();
  const key = ensureKeyFile(place);
  expect(named).toEqual([false]);
  expect(key.some((byte) => byte !== 0)).toBe(true);
  expect(vi.mocked(fs.writeFileSync).mock.lastCall?.[1]).toEqual(Buffer.alloc(32));
});

test("two names have two keys", () => {
  const directories = { runtime: scratchDirectory(), temporary: "/nowhere" };
  const orders = ensureKeyFile(resolveKeyFile("orders", true, directories));
  expect(ensureKeyFile(resolveKeyFile("bills", true, directories))).not.toEqual(orders);
});

test("the bytes are the caller's: writing over them changes no other's", () => {
  const place = privatePlace();
  const key = ensureKeyFile(place);
  const copy = key.slice();
  key.fill(0);
  expect(readKeyFile(place)).toEqual(copy);
});

test("a given path is not given a directory", () => {
  const base = scratchDirectory();
  const place = resolveKeyFile("orders", join(base, "keys/orders"));
  expect(() => readKeyFile(place)).toThrow(expect.objectContaining({ code: "IPC_NO_SERVER" }));
  expect(() => ensureKeyFile(place)).toThrow(
    expect.objectContaining({ code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining(join(base, "keys")) }),
  );
  expect(readdirSync(base)).toEqual([]);
});

test("a file name as long as the filesystem takes is no obstacle", () => {
  const place = resolveKeyFile("orders", join(scratchDirectory(), "k".repeat(255)));
  expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
});

describe("what a killed process leaves", () => {
  test("before it has published its key is not read, and stays", () => {
    const place = privatePlace();
    mkdirSync(dirname(place.path), { mode: 0o700 });
    const left = join(dirname(place.path), ".ipc-key-AAAAAAAAAAAA");
    writeFileSync(left, randomBytes(7), { mode: 0o600 });
    expect(() => readKeyFile(place)).toThrow(expect.objectContaining({ code: "IPC_NO_SERVER" }));
    expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
    expect(readFileSync(left)).toHaveLength(7);
  });

  test("right after that is a second name of the key, and no obstacle", () => {
    const place = privatePlace();
    const key = ensureKeyFile(place);
    linkSync(place.path, join(dirname(place.path), ".ipc-key-AAAAAAAAAAAA"));
    expect([ensureKeyFile(place), readKeyFile(place)]).toEqual([key, key]);
  });
});

describe("when making fails,", () => {
  const expectFailure = (place: KeyFilePlace, code: string, message: string): void => {
    expect(() => ensureKeyFile(place)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(readdirSync(dirname(place.path))).toEqual([]);
  };

  test("a full disk leaves no part of a key", () => {
    vi.mocked(fs.writeFileSync).mockImplementationOnce(() => {
      throw errno("ENOSPC");
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", "ENOSPC");
  });

  test.each(["EACCES", "EPERM", "EROFS"])("a directory that may not be written (%s) is named", (code) => {
    const place = privatePlace();
    vi.mocked(fs.openSync)
      .mockImplementationOnce(() => {
        throw errno("ENOENT");
      })
      .mockImplementationOnce(() => {
        throw errno(code);
      });
    expectFailure(place, "IPC_PERMISSION_DENIED", `${place.path} is forbidden to this process (${code})`);
  });

  test.each(["EPERM", "ENOTSUP", "EMLINK"])("a filesystem without hard links (%s) is told, with what helps", (code) => {
    vi.mocked(fs.linkSync).mockImplementationOnce(() => {
      throw errno(code);
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", `has no hard links (${code})`);
  });

  test("any other refusal to publish is told", () => {
    vi.mocked(fs.linkSync).mockImplementationOnce(() => {
      throw errno("EIO");
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", "failed: EIO");
  });

  test.each([
    ["mode 0644", { mode: 0o100644n }],
    ["user 4711", { uid: 4711n }],
  ])("a filesystem that makes files with %s gets no key", (what, made) => {
    const place = privatePlace();
    const write = vi.mocked(fs.writeFileSync).mockClear();
    const real = vi.mocked(fs.fstatSync).getMockImplementation();
    vi.mocked(fs.fstatSync).mockImplementationOnce((descriptor) => {
      const stats = real?.(descriptor, { bigint: true });
      if (stats === undefined) throw new Error("nothing to look with");
      return Object.assign(stats, made) as unknown as fs.Stats;
    });
    expectFailure(place, "IPC_KEY_FILE_UNTRUSTED", what);
    expect(write).not.toHaveBeenCalled();
  });
});

test("a temporary name that cannot be removed fails no server", () => {
  const place = privatePlace();
  vi.mocked(fs.unlinkSync).mockImplementationOnce(() => {
    throw errno("EACCES");
  });
  expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
});

test("a key that another starter publishes meanwhile is taken, and not replaced", () => {
  const place = privatePlace();
  const theirs = randomBytes(32);
  const link = vi.mocked(fs.linkSync).getMockImplementation();
  vi.mocked(fs.linkSync).mockImplementationOnce((from, to) => {
    writeFileSync(place.path, theirs, { mode: 0o600 });
    link?.(from, to);
  });
  expect(Buffer.from(ensureKeyFile(place))).toEqual(theirs);
  expect(readFileSync(place.path)).toEqual(theirs);
  expect(readdirSync(dirname(place.path))).toEqual(["orders.key"]);
});

test("a file that shrinks between the look and the read gives no key", () => {
  const place = privatePlace();
  ensureKeyFile(place);
  vi.mocked(fs.readSync).mockReturnValueOnce(31);
  expect(() => readKeyFile(place)).toThrow("holds 31 bytes, not 32");
});

test("no descriptor is left, whatever comes of it", ({ skip }) => {
  skip(!existsSync("/proc/self/fd"), "only Linux tells how many are open");
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const place = privatePlace();
  const before = descriptors();
  for (let round = 0; round < 10; round++) {
    ensureKeyFile(place);
    readKeyFile(place);
    chmodSync(place.path, 0o644);
    expect(() => readKeyFile(place)).toThrow("0644");
    unlinkSync(place.path);
    expect(() => readKeyFile(place)).toThrow("no key file");
  }
  expect(descriptors()).toBe(before);
});
