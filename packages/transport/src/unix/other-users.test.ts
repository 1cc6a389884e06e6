import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  ALICE,
  ask,
  BOB,
  emittedPackage,
  isRoot,
  NEEDS_ROOT,
  scratchDirectory,
  startPeer,
} from "../../test/scratch.js";

const emitted = emittedPackage();
beforeEach(({ skip }) => skip(!isRoot, NEEDS_ROOT));

const alice = { uid: ALICE, gid: ALICE };
const bob = { uid: BOB, gid: BOB };
const TRUSTING_ALICE = { trustedOwners: [ALICE] };

/** A directory with the mode of /tmp, or another one, and another owner. */
function directoryOf(mode: number, owner = 0, group = owner): string {
  const directory = scratchDirectory();
  chownSync(directory, owner, group);
  chmodSync(directory, mode);
  return directory;
}

describe("a directory of another user", () => {
  test("is rejected by a server and a client, and accepted with trustedOwners", async () => {
    const directory = directoryOf(0o777, ALICE);
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, "run"));
    chmodSync(join(directory, "run"), 0o1777);
    const peer = await startPeer(emitted, join(directory, "run"), bob);
    const untrusted = {
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`${directory} is a directory of user ${ALICE}`),
    };
    expect(await ask(peer, { order: "listen", name: "a" })).toMatchObject(untrusted);
    expect(await ask(peer, { order: "dial", name: "a" })).toMatchObject(untrusted);
    expect(readdirSync(join(directory, "run"))).toEqual([]);
    expect(await ask(peer, { order: "listen", name: "a", options: TRUSTING_ALICE })).toBe("listening");
    expect(await ask(peer, { order: "dial", name: "a", options: TRUSTING_ALICE })).toBe("connected");
    expect(await ask(peer, { order: "close" })).toBe("closed");
  });
});

describe("a directory of a group", () => {
  const SHARED = { sharedDirectory: true, mode: 0o660, group: 41_000 };

  test("lets members start servers and dial each other's with sharedDirectory and trustedOwners", async () => {
    const directory = directoryOf(0o2770, 0, 41_000);
    const [one, other] = await Promise.all([
      startPeer(emitted, directory, { uid: ALICE, gid: 41_000 }),
      startPeer(emitted, directory, { uid: BOB, gid: 41_000 }),
    ]);
    expect(await ask(one, { order: "listen", name: "a" })).toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`chmod g-w ${directory}`),
    });
    expect(await ask(one, { order: "listen", name: "a", options: SHARED })).toBe("listening");
    expect(statSync(join(directory, "a.sock"))).toMatchObject({ uid: ALICE, gid: 41_000 });
    expect(await ask(other, { order: "listen", name: "a", options: SHARED })).toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining(`a socket of user ${ALICE}`),
    });
    const dial = { order: "dial", name: "a" };
    expect(await ask(other, { ...dial, options: { sharedDirectory: true } })).toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`\`trustedOwners: [${ALICE}]\``),
    });
    expect(await ask(other, { ...dial, options: { sharedDirectory: true, ...TRUSTING_ALICE } })).toBe("connected");
    expect(await ask(one, { order: "close" })).toBe("closed");
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a socket with a mode and a group", () => {
  test("lets the group connect, and no other user", async () => {
    const directory = directoryOf(0o755);
    chmodSync(directory, 0o1777);
    const [server, member, stranger] = await Promise.all([
      startPeer(emitted, directory),
      startPeer(emitted, directory, { uid: ALICE, gid: 41_000 }),
      startPeer(emitted, directory, bob),
    ]);
    expect(await ask(server, { order: "listen", name: "a", options: { mode: 0o660, group: 41_000 } })).toBe(
      "listening",
    );
    expect(statSync(join(directory, "a.sock"))).toMatchObject({ uid: 0, gid: 41_000 });
    expect(await ask(member, { order: "dial", name: "a" })).toBe("connected");
    expect(await ask(stranger, { order: "dial", name: "a" })).toMatchObject({
      code: "IPC_PERMISSION_DENIED",
      message: expect.stringContaining("`mode: 0o660` and `group`"),
    });
    expect(await ask(server, { order: "close" })).toBe("closed");
  });

  test("is rejected when the server's user is not a member of the group", async () => {
    const directory = directoryOf(0o1777);
    const server = await startPeer(emitted, directory, alice);
    for (const sharedDirectory of [false, true]) {
      const options = { mode: 0o660, group: 41_000, sharedDirectory };
      expect(await ask(server, { order: "listen", name: "a", options })).toMatchObject({
        code: "IPC_PERMISSION_DENIED",
        message: expect.stringContaining("may not give"),
      });
      expect(readdirSync(directory)).toEqual([]);
    }
  });
});

describe("a directory that a server creates", () => {
  const users = [
    { options: { unmaskPermissions: true }, mode: 0o711, entering: [alice, bob] },
    { options: { mode: 0o660, group: ALICE }, mode: 0o710, entering: [alice] },
    { options: {}, mode: 0o700, entering: [] },
  ] as const;

  test.each(users)("with $options can be entered by the users who may connect", async ({ options, mode, entering }) => {
    const base = directoryOf(0o755);
    const directory = join(base, "new", "run");
    const server = await startPeer(emitted, directory);
    expect(await ask(server, { order: "listen", name: "a", options })).toBe("listening");
    for (const made of [join(base, "new"), directory]) expect(statSync(made).mode & 0o777).toBe(mode);
    for (const user of [alice, bob]) {
      const peer = await startPeer(emitted, directory, user);
      const outcome = await ask(peer, { order: "dial", name: "a" });
      if (entering.some(({ uid }) => uid === user.uid)) expect(outcome).toBe("connected");
      else {
        expect(outcome).toMatchObject({
          code: "IPC_PERMISSION_DENIED",
          message: expect.stringContaining(`may not enter the directory ${join(base, "new")}`),
        });
      }
    }
    expect(await ask(server, { order: "close" })).toBe("closed");
  });
});

describe("another user in a directory like /tmp", () => {
  test.each([
    ["an owner", alice, ALICE],
    ["root, which may look into every process,", {}, 0],
  ])("cannot keep %s from starting after a crash by a listener whose file is unlinked", async (_, owner, uid) => {
    const directory = directoryOf(0o1777);
    const path = join(directory, "a.sock");
    const [stranger, first, second] = await Promise.all([
      startPeer(emitted, directory, bob),
      startPeer(emitted, directory, owner),
      startPeer(emitted, directory, owner),
    ]);
    expect(await ask(stranger, { order: "squat", path })).toBe("squatting");
    expect(await ask(first, { order: "listen", name: "a" })).toBe("listening");
    expect(await ask(second, { order: "listen", name: "a" })).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    const gone = new Promise((resolve) => first.once("exit", resolve));
    first.kill("SIGKILL");
    await gone;
    expect(lstatSync(path).uid).toBe(uid);
    expect(await ask(second, { order: "listen", name: "a" })).toBe("listening");
    expect(await ask(second, { order: "dial", name: "a" })).toBe("connected");
    expect(await ask(second, { order: "close" })).toBe("closed");
    expect(readdirSync(directory)).toEqual([]);
  });

  test("cannot delay a server with a lock file: the start fails at once and names the owner", async () => {
    const directory = directoryOf(0o1777);
    const lock = join(directory, "a.sock.lock");
    writeFileSync(lock, `${process.pid}\n`);
    chownSync(lock, BOB, BOB);
    const server = await startPeer(emitted, directory, alice);
    expect(await ask(server, { order: "listen", name: "a" })).toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining(`belongs to user ${BOB}`),
    });
    expect(readdirSync(directory)).toEqual(["a.sock.lock"]);
  });

  test("cannot redirect a client by a link", async () => {
    const directory = directoryOf(0o1777);
    const server = await startPeer(emitted, directory, alice);
    expect(await ask(server, { order: "listen", name: "b" })).toBe("listening");
    const link = join(directory, "a.sock");
    symlinkSync("b.sock", link);
    lchownSync(link, BOB, BOB);
    const client = await startPeer(emitted, directory, alice);
    expect(await ask(client, { order: "dial", name: "b" })).toBe("connected");
    expect(await ask(client, { order: "dial", name: "a" })).toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining(`${link} is a symbolic link of user ${BOB}`),
    });
    expect(await ask(server, { order: "close" })).toBe("closed");
  });
});

test("gives two users each a private directory", async () => {
  const machine = directoryOf(0o1777);
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("XDG_RUNTIME_DIR", "");
  vi.stubEnv("TMPDIR", machine);
  const peers = await Promise.all([alice, bob].map((user) => startPeer(emitted, "user", user)));
  for (const peer of peers) expect(await ask(peer, { order: "listen", name: "a" })).toBe("listening");
  for (const peer of peers) expect(await ask(peer, { order: "dial", name: "a" })).toBe("connected");
  for (const user of [ALICE, BOB]) {
    expect(statSync(join(machine, `ipc-${user}`))).toMatchObject({ uid: user });
    expect(statSync(join(machine, `ipc-${user}`)).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(machine, `ipc-${user}`))).toEqual(["a.sock"]);
  }
  for (const peer of peers) expect(await ask(peer, { order: "close" })).toBe("closed");
});
