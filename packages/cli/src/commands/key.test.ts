import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServerManager } from "@ipc/manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { runIpc } from "../../test/ipc-process.js";

const SHOWN = z.strictObject({
  path: z.string(),
  kind: z.enum(["psk", "identity", "public"]),
  publicKey: z.base64().nullable(),
  fingerprint: z.string().regex(/^SHA256:[\w+/]{43}$/),
  pem: z.string().nullable(),
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** Runs `ipc key … --json`, and returns what it prints. */
async function key(...args: readonly string[]) {
  const { code, stdout, stderr } = await runIpc(["key", ...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return SHOWN.parse(JSON.parse(stdout));
}

describe("ipc key", () => {
  it("makes a pre-shared key for its user alone, with which both sides connect", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.psk");
    const made = await key("new", path);
    expect(made).toMatchObject({ path, kind: "psk", publicKey: null, pem: null });
    expect([modeOf(path), readFileSync(path).length]).toEqual([0o600, 32]);
    const manager = await startServerManager({
      name: "orders",
      directory,
      security: { psk: new Uint8Array(readFileSync(path)) },
    });
    onTestFinished(() => manager.destroy());
    for (const option of ["--psk-file", "--key-file"]) {
      const { code, stdout } = await runIpc(["ping", "orders", "-d", directory, option, path]);
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("the server proved psk") });
    }
  });

  it("makes an identity with its public key beside it, and shows what the peer is told", async () => {
    const path = join(temporaryDirectory(), "me.pem");
    const made = await key("new", path, "--kind", "identity");
    expect([modeOf(path), modeOf(`${path}.pub`)]).toEqual([0o600, 0o644]);
    const { x = "" } = createPublicKey(readFileSync(`${path}.pub`)).export({ format: "jwk" });
    expect(made.publicKey).toBe(Buffer.from(x, "base64url").toString("base64"));
    const { stdout } = await runIpc(["key", "show", path, "--raw"]);
    expect(stdout).toBe(readFileSync(`${path}.pub`, "utf8"));
    expect(await key("show", `${path}.pub`)).toEqual({ ...made, path: `${path}.pub`, kind: "public" });
  });

  it("never replaces a file without --force, not even that of the public key", async () => {
    const path = join(temporaryDirectory(), "me.pem");
    writeFileSync(`${path}.pub`, "mine");
    const refused = await runIpc(["key", "new", path, "-k", "identity"]);
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(`${path}.pub exists`) });
    expect(readFileSync(`${path}.pub`, "utf8")).toBe("mine");
    const { kind } = await key("new", path, "-k", "identity", "--force");
    expect([kind, modeOf(path)]).toEqual(["identity", 0o600]);
  });

  it("prints a secret only with --secret, and warns when other users can read it", async () => {
    const path = join(temporaryDirectory(), "orders.psk");
    const secret = Buffer.alloc(32, 7).toString("hex");
    writeFileSync(path, `${secret}\n`);
    chmodSync(path, 0o644);
    const shown = await runIpc(["key", "show", path]);
    expect(shown.stdout).toMatch(/^\S+: pre-shared key, fingerprint SHA256:\S+\n$/);
    expect(shown.stderr).toContain("mode 0644");
    expect((await runIpc(["key", "show", path, "--secret", "--raw"])).stdout).toBe(secret);
  });

  it("exits with 1 for a file that holds no key, and with 2 for an action that it does not know", async () => {
    const path = join(temporaryDirectory(), "other.pem");
    writeFileSync(path, generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" }));
    expect(await runIpc(["key", "show", path])).toMatchObject({ code: 1, stderr: expect.stringContaining("Ed25519") });
    expect(await runIpc(["key", "steal", path])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("new or show"),
    });
  });
});
