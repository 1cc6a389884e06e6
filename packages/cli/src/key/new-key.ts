import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { CommandError, EXIT } from "../exit-code.js";
import { describeKey, describePsk, type StoredKey } from "./stored-key.js";

const [PRIVATE, PUBLIC] = [0o600, 0o644];
const PSK_BYTES = 32;

/**
 * Makes a key and writes it: a pre-shared key of 32 bytes; or an identity in PEM, and its public key beside it in `<path>.pub`.
 * @param force replaces files that exist
 * @throws CommandError
 */
export function makeKey(kind: "psk" | "identity", path: string, force: boolean): StoredKey {
  const paths = kind === "psk" ? [path] : [path, `${path}.pub`];
  const taken = force ? undefined : paths.find((file) => existsSync(file));
  if (taken !== undefined) throw exists(taken);
  if (kind === "psk") {
    const key = randomBytes(PSK_BYTES);
    write(path, key, PRIVATE, force);
    return describePsk(key);
  }
  const stored = describeKey(generateKeyPairSync("ed25519").privateKey);
  // The public key first: alone it is useless and harmless.
  write(`${path}.pub`, stored.pem ?? "", PUBLIC, force);
  try {
    write(path, stored.secret ?? "", PRIVATE, force);
  } catch (error) {
    if (!force) rmSync(`${path}.pub`, { force: true });
    throw error;
  }
  return stored;
}

/** Puts a whole file, which has its mode from the start, in its place at once; or nothing, where it fails. */
function write(path: string, data: string | Uint8Array, mode: number, force: boolean): void {
  const place = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(place, data, { flag: "wx", mode });
    if (force) renameSync(place, path);
    // Unlike a rename, a link replaces nothing.
    else linkSync(place, path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw exists(path);
    throw new CommandError(EXIT.failed, `cannot write the key: ${message}`, { cause: error });
  } finally {
    rmSync(place, { force: true });
  }
}

function exists(path: string): CommandError {
  return new CommandError(
    EXIT.failed,
    `${path} exists; choose another file, or replace it with --force: peers that have the old key are rejected then`,
  );
}
