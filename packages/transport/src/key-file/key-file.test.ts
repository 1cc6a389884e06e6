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
  test("is created with 32 bytes, for this user alone, and leaves no other file", () => {
    const place = makePlace();
    const key = ensureKeyFile(place);
    expect(key).toHaveLength(32);
    expect(new Uint8Array(readFileSync(place.path))).toEqual(key);
    const { mode, uid, nlink } = lstatSync(place.path);
    expect([mode & 0o7777, uid, nlink]).toEqual([0o600, process.geteuid?.(), 1]);
    expect(readdirSync(dirname(place.path))).toHaveLength(1);
  });

  test.each([0, 0o277])("has mode 0600 under any umask, also %o", (umask) => {
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

  test("is created again with another key after its removal, and a client reads that key", () => {
    const place = makePlace();
    const key = ensureKeyFile(place);
    unlinkSync(place.path);
    const next = ensureKeyFile(place);
    expect(next).not.toEqual(key);
    expect(readKeyFile(place)).toEqual(next);
  });

  test("that is missing means no server to a client, which creates nothing", () => {
    const place = makePlace();
    const noServer = expect.objectContaining({ code: "IPC_NO_SERVER", message: expect.stringContaining(place.path) });
    expect(() => readKeyFile(place)).toThrow(noServer);
    expect(existsSync(place.path)).toBe(false);
    ensureKeyFile(place);
    unlinkSync(place.path);
    expect(() => readKeyFile(place)).toThrow(noServer);
  });
});

test("writes the key to the disk before the file has its name, and keeps no other copy in memory", () => {
  const place = privatePlace();
  const named: boolean[] = [];
  vi.mocked(fs.fsyncSync).mockImplementationOnce(() => void named.push(existsSync(place.path)));
  vi.mocked(fs.writeFileSync).mockClear();
  const key = ensureKeyFile(place);
  expect(named).toEqual([false]);
  expect(key.some((byte) => byte !== 0)).toBe(true);
  expect(vi.mocked(fs.writeFileSync).mock.lastCall?.[1]).toEqual(Buffer.alloc(32));
});

test("gives two names two keys", () => {
  const directories = { runtime: scratchDirectory(), temporary: "/nowhere" };
  const orders = ensureKeyFile(resolveKeyFile("orders", true, directories));
  expect(ensureKeyFile(resolveKeyFile("bills", true, directories))).not.toEqual(orders);
});

test("gives each caller its own bytes, so that overwriting them changes no others", () => {
  const place = privatePlace();
  const key = ensureKeyFile(place);
  const copy = key.slice();
  key.fill(0);
  expect(readKeyFile(place)).toEqual(copy);
});

test("creates no directory for a given path", () => {
  const base = scratchDirectory();
  const place = resolveKeyFile("orders", join(base, "keys/orders"));
  expect(() => readKeyFile(place)).toThrow(expect.objectContaining({ code: "IPC_NO_SERVER" }));
  expect(() => ensureKeyFile(place)).toThrow(
    expect.objectContaining({ code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining(join(base, "keys")) }),
  );
  expect(readdirSync(base)).toEqual([]);
});

test("accepts a file name as long as the filesystem allows", () => {
  const place = resolveKeyFile("orders", join(scratchDirectory(), "k".repeat(255)));
  expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
});

describe("a process killed while it creates the key", () => {
  test("before it has published the key leaves a file that is not read, and stays", () => {
    const place = privatePlace();
    mkdirSync(dirname(place.path), { mode: 0o700 });
    const left = join(dirname(place.path), ".ipc-key-AAAAAAAAAAAA");
    writeFileSync(left, randomBytes(7), { mode: 0o600 });
    expect(() => readKeyFile(place)).toThrow(expect.objectContaining({ code: "IPC_NO_SERVER" }));
    expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
    expect(readFileSync(left)).toHaveLength(7);
  });

  test("right after it has published the key leaves a second name, which is no obstacle", () => {
    const place = privatePlace();
    const key = ensureKeyFile(place);
    linkSync(place.path, join(dirname(place.path), ".ipc-key-AAAAAAAAAAAA"));
    expect([ensureKeyFile(place), readKeyFile(place)]).toEqual([key, key]);
  });
});

describe("creating a key file", () => {
  const expectFailure = (place: KeyFilePlace, code: string, message: string): void => {
    expect(() => ensureKeyFile(place)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(readdirSync(dirname(place.path))).toEqual([]);
  };

  test("leaves no part of a key when the disk is full", () => {
    vi.mocked(fs.writeFileSync).mockImplementationOnce(() => {
      throw errno("ENOSPC");
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", "ENOSPC");
  });

  test.each(["EACCES", "EPERM", "EROFS"])("names the directory when it is not writable (%s)", (code) => {
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

  test.each(["EPERM", "ENOTSUP", "EMLINK"])("names the remedy when the filesystem has no hard links (%s)", (code) => {
    vi.mocked(fs.linkSync).mockImplementationOnce(() => {
      throw errno(code);
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", `has no hard links (${code})`);
  });

  test("reports any other failure to publish", () => {
    vi.mocked(fs.linkSync).mockImplementationOnce(() => {
      throw errno("EIO");
    });
    expectFailure(privatePlace(), "IPC_TRANSPORT_FAILED", "failed: EIO");
  });

  test.each([
    ["mode 0644", { mode: 0o100644n }],
    ["user 4711", { uid: 4711n }],
  ])("fails when the filesystem creates files with %s", (what, made) => {
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

test("succeeds when a temporary name cannot be removed", () => {
  const place = privatePlace();
  vi.mocked(fs.unlinkSync).mockImplementationOnce(() => {
    throw errno("EACCES");
  });
  expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
});

test("uses the key of another process that publishes first, and does not replace it", () => {
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

test("gives no key when the file shrinks between the check and the read", () => {
  const place = privatePlace();
  ensureKeyFile(place);
  vi.mocked(fs.readSync).mockReturnValueOnce(31);
  expect(() => readKeyFile(place)).toThrow("holds 31 bytes, not 32");
});

test("leaves no descriptor open, whether it succeeds or fails", ({ skip }) => {
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
