import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

const name = "orders";
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

/** Puts a key where there was none, or another one in its place. */
function writeKey(path: string, bytes: Uint8Array, mode = 0o600): void {
  rmSync(path, { force: true });
  writeFileSync(path, bytes, { mode });
  chmodSync(path, mode);
}

/** A directory with a server in it that leaves everything to the test, and the path of a key file. */
async function stage(): Promise<{ directory: string; far: FarServer; keyFile: string }> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  return { directory, far, keyFile: join(directory, "shared.key") };
}

describe("a client with a key file", () => {
  it("proves to the server that it has read the file", async () => {
    const { directory, far, keyFile } = await stage();
    writeKey(keyFile, key(1));
    const starting = startClient({ name, directory, security: { keyFile } });
    const session = await far.session({ security: { psk: key(1) } });
    expect(untilTestEnds(await starting).security).toEqual({ mode: "secure", peer: { psk: true } });
    expect(session.security.peer).toEqual({ psk: true });
  });

  it("finds the file at its default path with `keyFile: true`", async () => {
    const { directory, far } = await stage();
    vi.stubEnv("XDG_RUNTIME_DIR", directory);
    onTestFinished(() => void vi.unstubAllEnvs());
    mkdirSync(join(directory, "ipc"), { mode: 0o700 });
    writeKey(join(directory, "ipc", "orders.key"), key(1));
    const starting = startClient({ name, directory, security: { keyFile: true } });
    await far.session({ security: { psk: key(1) } });
    expect(untilTestEnds(await starting).security.peer).toEqual({ psk: true });
  });

  it("rejects a server without a key", async () => {
    const { directory, far, keyFile } = await stage();
    writeKey(keyFile, key(1));
    const failing = failureOf(startClient({ name, directory, security: { keyFile } }));
    await far.session().catch(() => {});
    expect(await failing).toMatchObject({ code: "IPC_SECURITY_REFUSED" });
  });

  it("waits until a server creates the file, and does not dial before", async () => {
    const { directory, far, keyFile } = await stage();
    const looked: string[] = [];
    const debug = (line: string): void => void (line.includes("waiting for a server") || looked.push(line));
    const logger = { debug, info() {}, warn() {}, error() {} };
    const starting = startClient({ name, directory, retryMs: 1, security: { keyFile }, logger });
    for (let count = 0; count < 3; count++) await new Promise((resolve) => setImmediate(resolve));
    expect([far.connections, looked]).toEqual([0, []]);
    writeKey(keyFile, key(1));
    await far.session({ security: { psk: key(1) } });
    expect(untilTestEnds(await starting).security.peer).toEqual({ psk: true });
    expect(far.connections).toBe(1);
  });

  it("rejects with the missing path when there is no key file, after one attempt or after timeoutMs", async () => {
    const { directory, keyFile } = await stage();
    const options = { name, directory, security: { keyFile } };
    const missing = { code: "IPC_NO_SERVER", message: expect.stringContaining(`no key file ${keyFile}`) };
    expect(await failureOf(startClient({ ...options, retry: false }))).toMatchObject(missing);
    expect(await failureOf(startClient({ ...options, retryMs: 1, timeoutMs: 1_000 }))).toMatchObject({
      code: "IPC_TIMED_OUT",
      cause: missing,
    });
  });

  it("reads the file again at each dial, because a restarted server may have created another", async () => {
    const { directory, far, keyFile } = await stage();
    writeKey(keyFile, key(1));
    const starting = startClient({ name, directory, retryMs: 1, security: { keyFile } });
    const first = await far.session({ security: { psk: key(1) } });
    const client = untilTestEnds(await starting);
    await readUntil(client, "Connected");
    writeKey(keyFile, key(2));
    await first.close();
    await far.session({ security: { psk: key(2) } });
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  });

  it("resolves a relative path against the working directory of its start, also after a chdir", async () => {
    const { directory, far } = await stage();
    const [home, back] = [temporaryDirectory(), process.cwd()];
    onTestFinished(() => process.chdir(back));
    process.chdir(directory);
    writeKey("relative.key", key(1));
    const starting = startClient({ name, directory, retryMs: 1, security: { keyFile: "relative.key" } });
    const first = await far.session({ security: { psk: key(1) } });
    const client = untilTestEnds(await starting);
    await readUntil(client, "Connected");
    process.chdir(home);
    await first.close();
    await far.session({ security: { psk: key(1) } });
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  });

  it.each([
    ["that others may read", key(1), 0o644, "has mode 0644 instead of 0600"],
    ["of another length", new Uint8Array(31), 0o600, "holds 31 bytes, not 32"],
  ])("%s ends at once with IPC_KEY_FILE_UNTRUSTED, and does not dial", async (_what, bytes, mode, message) => {
    const { directory, far, keyFile } = await stage();
    writeKey(keyFile, bytes, mode);
    const error = await failureOf(startClient({ name, directory, security: { keyFile } }));
    expect(error).toMatchObject({ code: "IPC_KEY_FILE_UNTRUSTED", message: expect.stringContaining(message) });
    expect(far.connections).toBe(0);
  });

  it("rejects an invalid path with the error of any wrong option", async () => {
    const { directory } = await stage();
    const error = await failureOf(startClient({ name, directory, security: { keyFile: "a\0b" } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("`keyFile`");
  });
});
