import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SecurityOptions } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { KeyRing } from "./key-ring.js";
import { resolveServerOptions, type ServerOptions } from "./server-options.js";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

function ringOf(options: Partial<ServerOptions>): KeyRing {
  return new KeyRing(resolveServerOptions({ name: "orders", ...options }));
}

/** The first byte of each pre-shared key, which the tests fill with it. */
function psksOf({ credentials }: KeyRing): (number | undefined)[] {
  return credentials.psks.map((psk) => psk.export()[0]);
}

describe("a server's keys", () => {
  it("are replaced as a whole, and `require` follows the new keys", () => {
    const ring = ringOf({ security: { psk: [key(1), key(2)], require: false } });
    ring.replace({ psk: key(3) });
    expect([psksOf(ring), ring.credentials.require]).toEqual([[3], true]);
    ring.replace({});
    expect([psksOf(ring), ring.credentials.require]).toEqual([[], false]);
  });

  it.each<[unknown, new () => Error, string]>([
    [undefined, TypeError, "updateSecurity: security: takes an object of options, got undefined"],
    [null, TypeError, "updateSecurity: security: takes an object of options, got null"],
    [{ psks: [key(2)] }, TypeError, "updateSecurity: security: unknown option `psks`"],
    [{ psk: undefined }, TypeError, "updateSecurity: `security.psk` is undefined; omit the option to use no key"],
    [{ psk: [key(2), "hunter2"] }, TypeError, "updateSecurity: `security.psk` takes 32 random bytes"],
    [{ psk: key(0) }, RangeError, "updateSecurity: `security.psk` takes 32 random bytes"],
    [{ psk: [2, 3, 4, 5, 6].map(key) }, RangeError, "got 5"],
    [{ psk: key(2), trustedPeers: [] }, TypeError, "updateSecurity: `security.trustedPeers` takes a list"],
    [{ psk: key(2), identity: key(2) }, TypeError, "updateSecurity: `security.identity` takes an Ed25519 private key"],
    [{ psk: key(2), keyFile: "" }, TypeError, "updateSecurity: `security.keyFile` takes true or the path of a file"],
    [
      { psk: key(2), wire: "golang-ipc" },
      TypeError,
      "updateSecurity: keys and `require` of `security` cannot be combined",
    ],
  ])("stay unchanged when a start would reject the new keys: %#", (security, kind, message) => {
    const ring = ringOf({ security: { psk: key(1) } });
    const before = ring.credentials;
    let error: unknown;
    try {
      ring.replace(security as SecurityOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("hunter2");
    expect(ring.credentials).toBe(before);
  });

  it("are rejected without encryption", () => {
    const ring = ringOf({ encryption: false });
    expect(() => ring.replace({ psk: key(1) })).toThrow("cannot be combined with `encryption: false`");
    ring.replace({});
  });

  it("are read again from a rewritten key file, which is created if missing, and kept if it is unchanged", () => {
    const keyFile = join(temporaryDirectory(), "shared.key");
    const write = (fill: number): void => {
      rmSync(keyFile, { force: true });
      writeFileSync(keyFile, key(fill), { mode: 0o600 });
    };
    write(1);
    const ring = ringOf({ security: { keyFile } });
    const proved = { psk: ring.credentials.psks[0], identity: undefined };
    ring.replace({ keyFile });
    expect(ring.withdrawal(proved)).toBeUndefined();
    write(2);
    expect(psksOf(ring)).toEqual([1]);
    ring.replace({ keyFile, psk: key(1) });
    expect([psksOf(ring), ring.withdrawal(proved)]).toEqual([[1, 2], undefined]);
    ring.replace({ keyFile });
    expect(ring.withdrawal(proved)?.code).toBe("IPC_SECURITY_REFUSED");
    const ofFile = { psk: ring.credentials.psks[0], identity: undefined };
    rmSync(keyFile);
    ring.replace({ keyFile });
    expect(ring.credentials.psks).toHaveLength(1);
    expect(ring.withdrawal(ofFile)?.code).toBe("IPC_SECURITY_REFUSED");
  });

  it("stay unchanged when other users may have read the key file", () => {
    const keyFile = join(temporaryDirectory(), "shared.key");
    const ring = ringOf({ security: { keyFile } });
    const before = ring.credentials;
    chmodSync(keyFile, 0o640);
    expect(() => ring.replace({ keyFile, psk: key(7) })).toThrow(
      expect.objectContaining({ code: "IPC_KEY_FILE_UNTRUSTED" }),
    );
    expect(ring.credentials).toBe(before);
  });
});
