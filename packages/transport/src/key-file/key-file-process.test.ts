import type { ChildProcess } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { ask, emittedPackage, isRoot, OTHER_USER, scratchDirectory, startPeer, turns } from "../../test/scratch.js";
import { ensureKeyFile, readKeyFile } from "./key-file.js";
import { resolveKeyFile } from "./key-file-place.js";

const STARTERS = 8;

const emitted = emittedPackage();

test(`creates one key, which all get, when ${STARTERS} processes start at once`, {
  timeout: 60_000,
}, async () => {
  const directory = scratchDirectory();
  const peers = await Promise.all(Array.from({ length: STARTERS }, () => startPeer(emitted, directory)));
  const names = Array.from({ length: 20 }, (_, round) => `orders${round}`);
  const keys = new Set<unknown>();
  for (const name of names) {
    const answers = await Promise.all(peers.map((peer) => ask(peer, { order: "ensureKey", name })));
    const key = readFileSync(join(directory, "ipc", `${name}.key`), "hex");
    expect(answers).toEqual(Array.from({ length: STARTERS }, () => key));
    keys.add(key);
  }
  expect(keys.size).toBe(names.length);
  expect(readdirSync(join(directory, "ipc")).sort()).toEqual(names.map((name) => `${name}.key`).sort());
});

test("leaves only whole keys and no obstacle when a process is killed at any moment", async () => {
  const directory = scratchDirectory();
  const folder = join(directory, "ipc");
  const rounds = 5;
  for (let round = 0; round < rounds; round++) {
    const peer = await startPeer(emitted, directory);
    peer.send({ order: "ensureKeys", prefix: `r${round}-` });
    while (!existsSync(join(folder, `r${round}-10.key`))) await turns(1);
    await kill(peer);
  }
  const files = readdirSync(folder);
  const temporary = files.filter((file) => !file.endsWith(".key"));
  expect(temporary.length).toBeLessThanOrEqual(rounds);
  for (const file of temporary) {
    expect(file).toMatch(/^\.ipc-key-/);
    expect(lstatSync(join(folder, file)).mode & 0o7777).toBe(0o600);
  }
  for (const file of files.filter((file) => file.endsWith(".key"))) {
    const place = resolveKeyFile(basename(file, ".key"), true, { runtime: directory, temporary: directory });
    expect(ensureKeyFile(place)).toEqual(readKeyFile(place));
  }
});

test("gives no key to a process of another user", async ({ skip }) => {
  skip(!isRoot, "only root can start one");
  const directory = scratchDirectory();
  const place = resolveKeyFile("orders", join(directory, "orders.key"));
  const key = Buffer.from(ensureKeyFile(place)).toString("hex");
  const peer = await startPeer(emitted, directory, { uid: OTHER_USER });
  const read = { order: "readKey", path: place.path };
  // A directory that others may not even search.
  expect(await ask(peer, read)).toMatchObject({ code: "IPC_PERMISSION_DENIED" });
  chmodSync(directory, 0o755);
  expect(await ask(peer, read)).toMatchObject({
    code: "IPC_KEY_FILE_UNTRUSTED",
    message: expect.stringContaining(`${place.path} belongs to user 0, not to this user (${OTHER_USER})`),
  });
  expect(await ask(peer, { order: "ensureKey", name: "orders" })).toMatchObject({ code: "IPC_PERMISSION_DENIED" });
  expect(await ask(await startPeer(emitted, directory), read)).toBe(key);
});

async function kill(peer: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => peer.once("exit", resolve));
  peer.kill("SIGKILL");
  await gone;
}
