import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { pretendPlatform, scratchDirectory } from "../../test/scratch.js";
import { resolveKeyFile } from "./key-file-place.js";

const temporary = "/var/tmp";
const uid = process.geteuid?.();

/** Sets a variable of the environment until the test ends. */
function setVariable(name: string, value: string | undefined): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

test("puts the key file into the user's runtime directory", () => {
  expect(resolveKeyFile("orders", true, { runtime: "/run/user/7", temporary })).toEqual({
    path: "/run/user/7/ipc/orders.key",
    directory: "private",
  });
});

test.each([undefined, "", "run/user/7"])(
  "puts the key file into a temporary directory when the runtime directory is %j",
  (runtime) => {
    expect(resolveKeyFile("orders", true, { runtime, temporary })).toEqual({
      path: `/var/tmp/ipc-${uid}/orders.key`,
      directory: "private",
    });
  },
);

test("takes both directories from the environment", () => {
  setVariable("XDG_RUNTIME_DIR", "/run/user/7");
  expect(resolveKeyFile("orders", true).path).toBe("/run/user/7/ipc/orders.key");
  setVariable("XDG_RUNTIME_DIR", undefined);
  expect(resolveKeyFile("orders", true).path).toBe(join(tmpdir(), `ipc-${uid}`, "orders.key"));
  setVariable("TMPDIR", "/elsewhere");
  expect(resolveKeyFile("orders", true).path).toBe(`/elsewhere/ipc-${uid}/orders.key`);
});

test("uses a given path unchanged, whatever the environment", () => {
  setVariable("XDG_RUNTIME_DIR", "/run/user/7");
  expect(resolveKeyFile("orders", "/etc/orders/key")).toEqual({ path: "/etc/orders/key", directory: "given" });
});

test("resolves relative paths at once", () => {
  const here = relative(process.cwd(), "/etc/orders");
  const given = resolveKeyFile("orders", join(here, "key"));
  const inTemporary = resolveKeyFile("orders", true, { runtime: undefined, temporary: here });
  expect([given.path, inTemporary.path]).toEqual(["/etc/orders/key", `/etc/orders/ipc-${uid}/orders.key`]);
});

test("creates and changes no file", () => {
  const directory = scratchDirectory();
  resolveKeyFile("orders", true, { runtime: join(directory, "run"), temporary });
  resolveKeyFile("orders", join(directory, "keys/orders"));
  expect([existsSync(join(directory, "run")), existsSync(join(directory, "keys"))]).toEqual([false, false]);
});

test.each([true, "/etc/orders/key"] as const)(
  "rejects a key file %j on Windows, and names the alternative",
  (keyFile) => {
    pretendPlatform("win32");
    expect(() => resolveKeyFile("orders", keyFile)).toThrow(
      expect.objectContaining({
        code: "IPC_KEY_FILE_UNTRUSTED",
        message: expect.stringContaining("pass the same `psk`"),
      }),
    );
  },
);

describe("resolveKeyFile rejects", () => {
  test.each([
    ["../orders", true, "`name` takes"],
    ["../orders", "/etc/orders/key", "`name` takes"],
    ["orders", false, "`keyFile` must be true or a path, got false"],
    ["orders", 7, "got 7"],
    ["orders", "", "`keyFile` must be a string that is not empty"],
    ["orders", "/etc/\0", "`keyFile`"],
  ])("the arguments %j, %j", (name, keyFile, message) => {
    expect(() => resolveKeyFile(name, keyFile as string)).toThrow(TypeError);
    expect(() => resolveKeyFile(name, keyFile as string)).toThrow(message);
  });
});
