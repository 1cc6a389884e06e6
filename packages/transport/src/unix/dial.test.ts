import * as fs from "node:fs";
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  ALICE,
  disown,
  failOnce,
  isRoot,
  leaveStaleSocket,
  NEEDS_ROOT,
  openUnder,
  pretendPlatform,
  scratchDirectory,
  startForeignServer,
} from "../../test/scratch.js";
import type { DirectoryPolicy } from "../fs/directory-walk.js";
import * as connection from "../net/connect.js";
import { dialVerified } from "./dial.js";

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof fs>();
  return { ...actual, readlinkSync: vi.fn(actual.readlinkSync) };
});
vi.mock("../net/connect.js", async (original) => {
  const actual = await original<typeof connection>();
  return { ...actual, connectSocket: vi.fn(actual.connectSocket) };
});

const STRICT: DirectoryPolicy = { trustedOwners: [], sharedDirectory: false };

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
  test("is trusted when this user owns it", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    (await dialVerified(path, STRICT, undefined)).destroy();
  });

  test("is trusted by every user when root owns it", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    const owner = lstatSync(path).uid;
    const user = vi.spyOn(process, "geteuid").mockReturnValue(4_711);
    onTestFinished(() => user.mockRestore());
    const dial = dialVerified(path, STRICT, undefined);
    if (owner === 0) (await dial).destroy();
    else await expect(dial).rejects.toMatchObject({ code: "IPC_UNTRUSTED_SOCKET" });
  });

  test("is rejected without a connection when another user owns it, and the error names the option that allows it", async () => {
    const path = join(scratchDirectory(), "a.sock");
    const onStream = vi.fn();
    await startForeignServer(path, onStream);
    const owner = disown(path);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`\`trustedOwners: [${owner}]\``),
    });
    expect(onStream).not.toHaveBeenCalled();
    (await dialVerified(path, { ...STRICT, trustedOwners: [owner + 1, owner] }, undefined)).destroy();
  });
});

describe("a file that is not a socket is rejected as untrusted, without retry:", () => {
  test.each([
    ["a directory", (path: string) => mkdirSync(path)],
    ["a plain file", (path: string) => writeFileSync(path, "precious")],
  ])("%s", async (what, make) => {
    const path = join(scratchDirectory(), "a.sock");
    make(path);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`${path} is ${what}, not a socket`),
    });
  });
});

describe("a symbolic link to a socket", () => {
  /** `<directory>/a.sock`, a link to a socket elsewhere. */
  async function linked(
    to: (target: string) => string = (target) => target,
  ): Promise<{ directory: string; path: string }> {
    const directory = scratchDirectory();
    mkdirSync(join(directory, "run"), { mode: 0o755 });
    await startForeignServer(join(directory, "run/b.sock"));
    const path = join(directory, "a.sock");
    symlinkSync(to(join(directory, "run/b.sock")), path);
    return { directory, path };
  }

  test("is followed when this user owns it and others cannot change the directory", async () => {
    for (const to of [(target: string) => target, () => "run/b.sock", () => "./run/../run/b.sock"]) {
      const { path } = await linked(to);
      (await dialVerified(path, STRICT, undefined)).destroy();
      symlinkSync("a.sock", `${path}.second`);
      (await dialVerified(`${path}.second`, STRICT, undefined)).destroy();
    }
  });

  test("is followed in a sticky directory when its owner is trusted, and rejected otherwise", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { directory, path } = await linked();
    chmodSync(directory, 0o1777);
    lchownSync(path, ALICE, ALICE);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`${path} is a symbolic link of user ${ALICE} that is not followed`),
    });
    (await dialVerified(path, { ...STRICT, trustedOwners: [ALICE] }, undefined)).destroy();
  });

  test("is rejected in a directory that others can change, with sharedDirectory too", async () => {
    const { directory, path } = await linked();
    chmodSync(directory, 0o775);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`chmod g-w ${directory}`),
    });
    await expect(dialVerified(path, { ...STRICT, sharedDirectory: true }, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining("a symbolic link"),
    });
  });

  test("is followed only into a directory that passes the check", async () => {
    const { directory, path } = await linked();
    chmodSync(join(directory, "run"), 0o777);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`chmod g-w,o-w ${join(directory, "run")}`),
    });
  });

  test("is no server when it leads nowhere, and is rejected when it leads in a circle", async () => {
    const directory = scratchDirectory();
    symlinkSync("missing/b.sock", join(directory, "a.sock"));
    const nowhere = dialVerified(join(directory, "a.sock"), STRICT, undefined);
    await expect(nowhere).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    symlinkSync("c.sock", join(directory, "c.sock"));
    const circle = dialVerified(join(directory, "c.sock"), STRICT, undefined);
    await expect(circle).rejects.toMatchObject({ code: "IPC_UNTRUSTED_SOCKET" });
  });
});

describe("a dial leaves no descriptor open", () => {
  test.each([
    ["when it has connected", "a.sock", () => {}],
    ["when it has followed a link", "link.sock", () => {}],
    ["when the link cannot be read", "link.sock", () => failOnce(fs.readlinkSync, "ENOENT")],
    ["when nothing is there", "missing.sock", () => {}],
    ["when a file that is no socket is there", "file.sock", () => {}],
    ["when no server listens", "stale.sock", () => {}],
    ["when the connect fails", "a.sock", () => failOnce(connection.connectSocket, "EAGAIN")],
  ])("%s", async (_, name, prepare) => {
    const directory = scratchDirectory();
    await startForeignServer(join(directory, "a.sock"));
    await leaveStaleSocket(join(directory, "stale.sock"));
    symlinkSync("a.sock", join(directory, "link.sock"));
    writeFileSync(join(directory, "file.sock"), "");
    prepare();
    const outcome = await dialVerified(join(directory, name), STRICT, undefined).catch((error: unknown) => error);
    expect(openUnder(directory)).toEqual([]);
    if (outcome instanceof Socket) outcome.destroy();
    else expect(outcome).toBeInstanceOf(Error);
  });
});

describe("a socket whose real path is too long for the system", () => {
  test("is dialled by the given path when the system connects by name only", async () => {
    pretendPlatform("darwin");
    const base = scratchDirectory();
    const real = join(base, "d".repeat(200 - base.length));
    mkdirSync(real, { mode: 0o755 });
    const [short, link] = [join(base, "short"), join(real, "link.sock")];
    symlinkSync(real, short);
    symlinkSync("a.sock", link);
    await startForeignServer(join(short, "a.sock"), (stream) => stream.end("a"));
    for (const name of ["a.sock", "link.sock"]) {
      expect(await text(await dialVerified(join(short, name), STRICT, undefined))).toBe("a");
    }
  });
});

describe("a socket that is replaced during the dial", () => {
  const onLinux = test.runIf(process.platform === "linux");

  /** Two servers in one directory; each answers with its name. */
  async function two(): Promise<{ directory: string; path: string; other: string }> {
    const directory = scratchDirectory();
    const [path, other] = [join(directory, "a.sock"), join(directory, "b.sock")];
    await startForeignServer(path, (stream) => stream.end("a"));
    await startForeignServer(other, (stream) => stream.end("b"));
    return { directory, path, other };
  }

  onLinux("after it was checked, and back again, is reached all the same", async () => {
    const { directory, path, other } = await two();
    chmodSync(directory, 0o777);
    const real = vi.mocked(connection.connectSocket).getMockImplementation();
    if (real === undefined) throw new Error("nothing to connect with");
    vi.mocked(connection.connectSocket).mockImplementationOnce(async (...wanted) => {
      renameSync(path, `${path}.aside`);
      renameSync(other, path);
      const socket = await real(...wanted);
      renameSync(path, other);
      renameSync(`${path}.aside`, path);
      return socket;
    });
    expect(await text(await dialVerified(path, { ...STRICT, sharedDirectory: true }, undefined))).toBe("a");
  });

  test("counts as no server when the system connects by name only", async () => {
    pretendPlatform("darwin");
    const { path, other } = await two();
    for (const act of [() => renameSync(other, path), () => unlinkSync(path)]) {
      const socket = meanwhile(act);
      await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
        code: "IPC_NO_SERVER",
        message: expect.stringContaining("replaced"),
      });
      expect(socket()?.destroyed).toBe(true);
    }
  });
});

describe("a denied connect", () => {
  const denied = Object.assign(new Error("connect EACCES"), { code: "EACCES" });

  test("counts as no server while a server starts, because it grants access next", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    writeFileSync(`${path}.lock`, "");
    vi.mocked(connection.connectSocket).mockRejectedValueOnce(denied);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
      code: "IPC_NO_SERVER",
      message: expect.stringContaining(`the server at ${path} is starting`),
      cause: denied,
    });
  });

  test("is tried once more when there is no lock, because access may just have been granted", async () => {
    const path = join(scratchDirectory(), "a.sock");
    await startForeignServer(path);
    vi.mocked(connection.connectSocket).mockRejectedValueOnce(denied);
    (await dialVerified(path, STRICT, undefined)).destroy();
    vi.mocked(connection.connectSocket).mockRejectedValueOnce(denied).mockRejectedValueOnce(denied);
    await expect(dialVerified(path, STRICT, undefined)).rejects.toBe(denied);
  });
});

test("reports no server for a missing socket and for one of a killed server", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({
    code: "IPC_NO_SERVER",
    message: expect.stringContaining(`no server listens at ${path}`),
  });
  await leaveStaleSocket(path);
  await expect(dialVerified(path, STRICT, undefined)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
