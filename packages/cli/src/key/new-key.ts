import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
  write(path, stored.secret ?? "", PRIVATE, force);
  write(`${path}.pub`, stored.pem ?? "", PUBLIC, force);
  return stored;
}

/** Writes a file that has its mode from the start. An old one is replaced at once, by a whole one. */
function write(path: string, data: string | Uint8Array, mode: number, force: boolean): void {
  const place = force ? `${path}.${randomBytes(6).toString("hex")}` : path;
  try {
    writeFileSync(place, data, { flag: "wx", mode });
    if (force) renameSync(place, path);
  } catch (error) {
    if (force) rmSync(place, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw exists(path);
    throw new CommandError(EXIT.failed, `cannot write the key: ${message}`, { cause: error });
  }
}

function exists(path: string): CommandError {
  return new CommandError(
    EXIT.failed,
    `${path} exists; choose another file, or replace it with --force: peers that have the old key are rejected then`,
  );
}
