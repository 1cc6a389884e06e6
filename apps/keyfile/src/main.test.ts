import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { loopbackAddress } from "../../../internal/testkit/src/loopback-address.js";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const user = process.getuid?.();
const isRoot = user === 0;

async function show(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN], { env: { ...process.env, ...env } });
  return stdout;
}

describe.skipIf(process.platform === "win32")("the example of key files", () => {
  it("accepts the server's user, rejects a client without the key, and leaves no file", async () => {
    const stdout = await show({ IPC_DEBUG: "" });
    const proved = '{"mode":"secure","peer":{"psk":true}}';
    expect(stdout).toContain(`client   │ user ${user}, connected, its security: ${proved}\n`);
    expect(stdout).toContain(`server   │ let in, its security: ${proved}\n`);
    expect(stdout).toContain('client   │ received "a secret"\n');
    expect(stdout.match(/^server {3}│ let in/gm)).toHaveLength(1);

    expect(stdout).toContain("stranger │ without a key: IPC_SECURITY_REFUSED, ");
    expect(stdout).toContain("stranger │ with a key of its own: IPC_AUTHENTICATION_FAILED, ");
    expect(stdout.match(/^server {3}│ refused: IPC_SECURITY_REFUSED, /gm)).toHaveLength(1);
    expect(stdout.match(/^server {3}│ refused: IPC_AUTHENTICATION_FAILED, /gm)).toHaveLength(3);

    const directories = [...stdout.matchAll(/ipc-example-(?:runtime-)?\w+/g)].map(([directory]) => directory);
    const left = (await readdir(tmpdir())).filter((file) =>
      directories.some((directory) => file.startsWith(directory)),
    );
    expect(directories).not.toEqual([]);
    expect(left).toEqual([]);
  });

  it.runIf(isRoot)("rejects another user, without access to the key file, when it runs as root", async () => {
    const stdout = await show({});
    expect(stdout).toContain("stranger │ user 65534, not the server's\n");
    expect(stdout).toMatch(/^stranger │ with the server's key file: IPC_PERMISSION_DENIED, .*\(EACCES\)/m);
  });

  it.skipIf(isRoot)("says that the rejected client is of the same user when it does not run as root", async () => {
    expect(await show({})).toContain(`stranger │ user ${user}, the server's own: only root can show another one`);
  });

  it("does the same on TCP, where no file has a mode", async () => {
    const host = loopbackAddress();
    const stdout = await show({ IPC_NETWORK_HOST: host, IPC_NETWORK_PORT: "18754" });
    expect(stdout).toContain("server   │ user ");
    expect(stdout).toContain(`listening at ${host}:18754, `);
    expect(stdout).toContain("stranger │ with a key of its own: IPC_AUTHENTICATION_FAILED, ");
    expect(stdout).toContain('client   │ received "a secret"\n');
  });
});
