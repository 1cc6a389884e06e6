import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { scratchDirectory, startForeignServer, turns } from "../../test/scratch.js";
import { ensureKeyFile, resolveKeyFile } from "../key-file/key-file.js";
import type { Endpoint } from "../transport.js";
import { unixSocket } from "./unix-socket.js";

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

test.each([
  ["/run/user/1000", "/run/user/1000/ipc"],
  ["", `/machine/ipc-${process.geteuid?.()}`],
])('directory "user" is the private directory of this user, with XDG_RUNTIME_DIR %j', (runtime, expected) => {
  vi.stubEnv("XDG_RUNTIME_DIR", runtime);
  vi.stubEnv("TMPDIR", "/machine");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(unixSocket({ directory: "user" }).address("orders", NAME)).toBe(`${expected}/orders.sock`);
});

test('directory "user" is created for this user alone, and holds a key file and a socket', async () => {
  const runtime = scratchDirectory();
  vi.stubEnv("XDG_RUNTIME_DIR", runtime);
  onTestFinished(() => void vi.unstubAllEnvs());
  const transport = unixSocket({ directory: "user" });
  const listener = await transport.listen("a", NAME, echo, {});
  expect(statSync(join(runtime, "ipc")).mode & 0o777).toBe(0o700);
  ensureKeyFile(resolveKeyFile("a", true));
  expect(readdirSync(join(runtime, "ipc")).sort()).toEqual(["a.key", "a.sock"]);
  (await transport.dial("a", NAME, {})).destroy();
  await listener.close();
});

test.each([{ unmaskPermissions: true }, { mode: 0o660 }, { group: 0 }, { mode: 0o604 }])(
  'directory "user" rejects %j, because other users cannot enter it',
  (options) => {
    expect(() => unixSocket({ directory: "user", ...options })).toThrow(TypeError);
    expect(() => unixSocket({ directory: "user", ...options })).toThrow('`directory: "user"` is closed to other users');
  },
);

test("creates a missing directory as a server and not as a client", async () => {
  const directory = join(scratchDirectory(), "run");
  const transport = unixSocket({ directory });
  await expect(transport.dial("a", NAME, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
  expect(existsSync(directory)).toBe(false);
  const listener = await transport.listen("a", NAME, echo, {});
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  await listener.close();
});

test("keeps the mode of an existing directory", async () => {
  const directory = join(scratchDirectory(), "run");
  mkdirSync(directory);
  const before = statSync(directory).mode;
  await (await unixSocket({ directory }).listen("a", NAME, echo, {})).close();
  expect(statSync(directory).mode).toBe(before);
});

describe("a directory in which other users can exchange files", () => {
  function shared(): string {
    const directory = join(scratchDirectory(), "run");
    mkdirSync(directory);
    chmodSync(directory, 0o775);
    return directory;
  }
  const untrusted = (directory: string): object => ({
    code: "IPC_UNTRUSTED_SOCKET",
    message: expect.stringContaining(`\`chmod g-w ${directory}\``),
  });

  test("is rejected by a server before anything is created", async () => {
    const directory = shared();
    await expect(unixSocket({ directory }).listen("a", NAME, echo, {})).rejects.toMatchObject(untrusted(directory));
    const below = unixSocket({ directory: join(directory, "own") });
    await expect(below.listen("a", NAME, echo, {})).rejects.toMatchObject(untrusted(directory));
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is rejected by a client before it connects", async () => {
    const directory = shared();
    const onStream = vi.fn();
    await startForeignServer(join(directory, "a.sock"), onStream);
    await expect(unixSocket({ directory }).dial("a", NAME, {})).rejects.toMatchObject(untrusted(directory));
    await turns(5);
    expect(onStream).not.toHaveBeenCalled();
  });

  test("is accepted by both with sharedDirectory", async () => {
    const directory = shared();
    const transport = unixSocket({ directory, sharedDirectory: true });
    const listener = await transport.listen("a", NAME, echo, {});
    (await transport.dial("a", NAME, {})).destroy();
    expect(readdirSync(directory)).toEqual(["a.sock"]);
    await listener.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});
