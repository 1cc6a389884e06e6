import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { disown, leaveStaleSocket, scratchDirectory, startForeignServer } from "../../test/scratch.js";
import * as connection from "../net/connect.js";
import { dialVerified } from "./dial.js";

vi.mock("../net/connect.js", async (original) => {
  const actual = await original<typeof connection>();
  return { ...actual, connectSocket: vi.fn(actual.connectSocket) };
});

/** Does something after the dial has connected and before it looks again; returns the socket that it then had. */
function meanwhile(act: () => void | Promise<void>): () => { destroyed: boolean } | undefined {
  const real = vi.mocked(connection.connectSocket).getMockImplementation();
  let socket: { destroyed: boolean } | undefined;
  vi.mocked(connection.connectSocket).mockImplementationOnce(async (...wanted) => {
    if (real === undefined) throw new Error("nothing to connect with");
    const connected = await real(...wanted);
    socket = connected;
    await act();
    return connected;
  });
  return () => socket;
}

describe("a server's socket", () => {
  test("of this user is trusted", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    (await dialVerified(path, [], undefined)).destroy();
  });

  test("of root is trusted by every user", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    const owner = lstatSync(path).uid;
    const user = vi.spyOn(process, "geteuid").mockReturnValue(4_711);
    onTestFinished(() => user.mockRestore());
    const dial = dialVerified(path, [], undefined);
    if (owner === 0) (await dial).destroy();
    else await expect(dial).rejects.toMatchObject({ code: "IPC_UNTRUSTED_SOCKET" });
  });

  test("of another user is refused without a connection, and the option that allows it is named", async () => {
    const path = join(scratchDirectory(), "a.sock");
    const onStream = vi.fn();
    await startForeignServer(path, onStream);
    const owner = disown(path);
    await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`\`trustedOwners: [${owner}]\``),
    });
    expect(onStream).not.toHaveBeenCalled();
    (await dialVerified(path, [owner + 1, owner], undefined)).destroy();
  });
});

describe("what is no socket is refused for good:", () => {
  test.each([
    ["a directory", (path: string) => mkdirSync(path)],
    ["a plain file", (path: string) => writeFileSync(path, "precious")],
    ["a symbolic link", (path: string) => symlinkSync("b.sock", path)],
  ])("%s", async (what, make) => {
    const directory = scratchDirectory();
    await startForeignServer(join(directory, "b.sock"));
    const path = join(directory, "a.sock");
    make(path);
    await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`${path} is ${what}`),
    });
    expect(readdirSync(directory).sort()).toEqual(["a.sock", "b.sock"]);
  });
});

describe("between connecting and looking again,", () => {
  test("a server that was restarted is no server yet", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    const socket = meanwhile(async () => {
      renameSync(path, `${path}.old`);
      await startForeignServer(path);
    });
    await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({
      code: "IPC_NO_SERVER",
      message: expect.stringContaining("replaced"),
    });
    expect(socket()?.destroyed).toBe(true);
    (await dialVerified(path, [], undefined)).destroy();
  });

  test("a server that went away is no server", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    const socket = meanwhile(() => unlinkSync(path));
    await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    expect(socket()?.destroyed).toBe(true);
  });

  test("a socket that another user has put there is refused", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    const socket = meanwhile(() => void disown(path));
    await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({ code: "IPC_UNTRUSTED_SOCKET" });
    expect(socket()?.destroyed).toBe(true);
    if (process.getuid?.() === 0) chownSync(path, 0, 0);
  });
});

test("nothing, and what a killed server left, are no server", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({
    code: "IPC_NO_SERVER",
    message: expect.stringContaining(`no server listens at ${path}`),
  });
  await leaveStaleSocket(path);
  await expect(dialVerified(path, [], undefined)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
