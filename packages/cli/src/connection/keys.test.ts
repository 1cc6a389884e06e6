import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { runIpc } from "../../test/ipc-process.js";
import { NO_OPTIONS } from "../../test/no-options.js";
import { manageOrders } from "../../test/orders-server.js";
import { securityOf } from "./security.js";

function fileOf(content: string | Uint8Array): string {
  const file = join(temporaryDirectory(), "key");
  writeFileSync(file, content);
  return file;
}

describe("keys from files", () => {
  const psk = Buffer.from(randomBytes(32));

  it.each([
    ["32 bytes", psk],
    ["hex", `${psk.toString("hex")}\n`],
    ["base64", `${psk.toString("base64")}\n`],
    ["base64url", psk.toString("base64url")],
  ])("reads a pre-shared key of %s", (_form, content) => {
    expect(securityOf({ ...NO_OPTIONS, pskFile: fileOf(content) })).toEqual({ psk });
  });

  it.each(["", "secret", psk.toString("hex").slice(1), `${psk.toString("base64")}=`, `!${psk.toString("hex")}`])(
    "rejects %j as a pre-shared key, and does not quote it",
    (content) => {
      const wrong = (): unknown => securityOf({ ...NO_OPTIONS, pskFile: fileOf(content) });
      expect(wrong).toThrow(
        /^--psk-file takes a file of 32 bytes, of 64 hex digits or of their base64; \S+ has \d+ bytes/,
      );
    },
  );

  it("reads an identity and several trusted keys, and rejects keys of another kind", () => {
    const pairs = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
    const trust = pairs.map(({ publicKey }) => publicKey.export({ type: "spki", format: "pem" })).join("# a comment\n");
    const identity = fileOf(pairs[0]?.privateKey.export({ type: "pkcs8", format: "pem" }) ?? "");
    const security = securityOf({ ...NO_OPTIONS, identity, trust: fileOf(trust) });
    expect(security?.identity?.asymmetricKeyType).toBe("ed25519");
    expect(security?.trustedPeers).toHaveLength(2);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const other = fileOf(privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(() => securityOf({ ...NO_OPTIONS, identity: other })).toThrow("--identity takes Ed25519 keys");
    expect(() => securityOf({ ...NO_OPTIONS, trust: identity })).toThrow(/^--trust /);
  });

  it("prove both sides to each other; without them the command is refused and exits with 4", async () => {
    const server = generateKeyPairSync("ed25519");
    const own = generateKeyPairSync("ed25519");
    const { at } = await manageOrders({
      security: { psk, identity: server.privateKey, trustedPeers: [own.publicKey] },
    });
    const keys = [
      ["--psk-file", fileOf(psk)],
      ["--identity", fileOf(own.privateKey.export({ type: "pkcs8", format: "pem" }) as string)],
      ["--trust", fileOf(server.publicKey.export({ type: "spki", format: "pem" }) as string)],
    ].flat();
    const proved = await runIpc(["ping", "orders", ...at, ...keys]);
    const raw = server.publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
    expect(proved.stdout).toContain(`secure, the server proved psk and key ${raw}`);
    const refused = await runIpc(["ping", "orders", ...at]);
    expect(refused.stderr).toMatch(/\(IPC_SECURITY_REFUSED\)\n$/);
    expect(refused.code).toBe(4);
  });

  it("are found in the server's private key file, in the private directory of the user", async () => {
    const env = { XDG_RUNTIME_DIR: temporaryDirectory() };
    const file = join(temporaryDirectory(), "orders.key");
    writeFileSync(file, psk, { mode: 0o600 });
    const { at } = await manageOrders({ security: { keyFile: file } });
    expect((await runIpc(["ping", "orders", ...at, "--key-file", file], { env })).stdout).toContain(
      "the server proved psk",
    );
    const missing = await runIpc(["ping", "orders", ...at, "--key-file"], { env });
    expect(missing.stderr).toContain("orders.key");
    expect(missing.code).toBe(3);
  });
});
