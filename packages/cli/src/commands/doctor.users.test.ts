import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { examine, leaveSocket, serve } from "../../test/doctor-run.js";

/** A user of the tests that run as root; no account of the machine has this id. */
const ALICE = 41_001;
const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? "" : " (skipped: only root can act as other users)";

describe.skipIf(!isRoot)(`ipc doctor, with other users${needsRoot}`, () => {
  it("finds a server of another user", async () => {
    const directory = await serve();
    const path = join(directory, "orders.sock");
    chownSync(path, ALICE, ALICE);
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      {
        problem: "wrong-owner",
        seen: `mode 0600, owner user ${ALICE}, a server listens, and this is user 0`,
        mend: expect.stringContaining(`trustedOwners: [${ALICE}]`),
      },
    ]);
    expect(code).toBe(1);
  });

  it("finds a directory of another user", async () => {
    const directory = join(temporaryDirectory(), "run");
    mkdirSync(directory);
    chownSync(directory, ALICE, ALICE);
    const { code, problems } = await examine(["-d", directory]);
    expect(problems).toMatchObject([{ problem: "wrong-owner", path: directory }]);
    expect(code).toBe(1);
  });

  it("finds a name that another user has taken, by a socket and by a lock", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.sock");
    await leaveSocket(path);
    writeFileSync(`${path}.lock`, "");
    for (const file of [path, `${path}.lock`]) chownSync(file, ALICE, ALICE);
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems.map(({ problem, path }) => [problem, path])).toEqual([
      ["name-taken", path],
      ["name-taken", `${path}.lock`],
    ]);
    expect(problems[1]?.seen).toContain(`a lock of user ${ALICE}`);
    expect(code).toBe(1);
  });

  it("finds that a user may not connect, and not enter the directory", async () => {
    const directory = await serve();
    const closed = await examine(["orders", "-d", directory], { user: ALICE });
    expect(closed.problems).toMatchObject([
      { problem: "no-permission", path: directory, mend: expect.stringContaining(`chmod a+x ${directory}`) },
    ]);
    chmodSync(directory, 0o755);
    const denied = await examine(["orders", "-d", directory], { user: ALICE });
    expect(denied.problems).toMatchObject([
      { problem: "no-permission", seen: expect.stringContaining(`this is user ${ALICE}`) },
    ]);
    expect([closed.code, denied.code]).toEqual([1, 1]);
  });
});
