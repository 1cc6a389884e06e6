import { randomBytes } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { currentUser, formatMode, isOwnerOnly, kindOf, NO_LINKS } from "../fs/path-entry.js";
import { codeOf, denialOf, errnoOf, messageOf, nextStep } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { assertKeyDirectory, ensureKeyDirectory } from "./key-directory.js";
import type { KeyFilePlace } from "./key-file-place.js";

export { type KeyFilePlace, resolveKeyFile } from "./key-file-place.js";

const KEY_BYTES = 32;

/**
 * Returns the 32 bytes of the key file, for a server, which calls this before it listens: a client that finds the server then
 * finds the key. A missing file is created with mode 0600 and random bytes; if several servers start at once, one creates it
 * and all return its key. An existing file is used as it is, and never written, repaired or removed.
 *
 * @throws TransportError `IPC_KEY_FILE_UNTRUSTED` when the file or its directory does not belong to this user alone, or the
 * file is not a regular file of 32 bytes, or these are zeros; `IPC_PERMISSION_DENIED`; `IPC_TRANSPORT_FAILED` when it cannot be
 * created, for example because the directory of a given path is missing
 */
export function ensureKeyFile(place: KeyFilePlace): Uint8Array {
  const { path } = place;
  try {
    ensureKeyDirectory(place);
    try {
      return readKey(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
    createKey(path);
    // Read it from the file: another server may have created it first, and then its key is the valid one.
    return readKey(path);
  } catch (error) {
    throwKeyFileError(error, path, "making");
  }
}

/**
 * Returns the 32 bytes of the key file, for a client, which calls this at each dial: a file that was removed and created again
 * has another key. Creates nothing.
 *
 * @throws TransportError `IPC_NO_SERVER` when there is no such file: no server with a key file has started yet, and a later
 * dial may succeed; `IPC_KEY_FILE_UNTRUSTED` as `ensureKeyFile`; `IPC_PERMISSION_DENIED`; `IPC_TRANSPORT_FAILED`
 */
export function readKeyFile(place: KeyFilePlace): Uint8Array {
  try {
    assertKeyDirectory(place);
    return readKey(place.path);
  } catch (error) {
    throwKeyFileError(error, place.path, "reading");
  }
}

/** Returns the key at `path`; checks the same open file from which it reads. */
function readKey(path: string): Uint8Array {
  const descriptor = openKey(path);
  try {
    assertKey(path, fstatSync(descriptor, { bigint: true }));
    const key = new Uint8Array(KEY_BYTES);
    assertSize(path, readSync(descriptor, key));
    assertFilled(path, key);
    return key;
  } finally {
    closeSync(descriptor);
  }
}

function openKey(path: string): number {
  try {
    // Non-blocking, because opening a pipe without a writer would block the whole process.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // For a link, a socket or another user's file, its kind says more than the errno, which differs between systems.
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats !== undefined) assertKey(path, stats);
    throw error;
  }
}

/**
 * Returns if the file is a regular file of the right size that belongs to this user alone. The link count is not checked: it is
 * two until the creator has removed the temporary name, and for ever if the creator was killed before that.
 */
function assertKey(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `${path} is ${kindOf(stats)}, not a key file; move it away and restart the server, which creates one`,
    );
  }
  const owner = Number(stats.uid);
  if (owner !== currentUser()) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `the key file ${path} belongs to user ${owner}, not to this user (${currentUser()}); run server and client as the owner`,
    );
  }
  if (!isOwnerOnly(stats)) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `the key file ${path} has mode ${formatMode(stats)} instead of 0600, so other users may know the key; remove it and restart the server, which creates another`,
    );
  }
  assertSize(path, Number(stats.size));
}

function assertSize(path: string, bytes: number): void {
  if (bytes === KEY_BYTES) return;
  throw new TransportError(
    "IPC_KEY_FILE_UNTRUSTED",
    `the key file ${path} holds ${bytes} bytes, not ${KEY_BYTES}; remove it and restart the server, which creates another`,
  );
}

/** Rejects a key of zeros, which is a known key: a crash may have lost the bytes of a new file, or it was never filled. */
function assertFilled(path: string, key: Uint8Array): void {
  if (key.some((byte) => byte !== 0)) return;
  throw new TransportError(
    "IPC_KEY_FILE_UNTRUSTED",
    `the key file ${path} holds only zeros; remove it and restart the server, which creates another`,
  );
}

/**
 * Creates a key at `path` unless an entry exists. The key is complete before it gets this name, and `link` never replaces a
 * name: no process reads part of a key, and no key replaces another.
 */
function createKey(path: string): void {
  // A server name never starts with a dot. A file left by a killed process is as private as the key, and never read.
  const temporary = join(dirname(path), `.ipc-key-${randomBytes(9).toString("base64url")}`);
  const descriptor = openSync(temporary, "wx", 0o600);
  const key = randomBytes(KEY_BYTES);
  try {
    chmodOwnerOnly(descriptor);
    assertMadeForUs(dirname(path), fstatSync(descriptor, { bigint: true }));
    writeFileSync(descriptor, key);
    // The name must not survive a crash in which the bytes are lost.
    syncIfAllowed(descriptor);
    publishKey(temporary, path);
  } finally {
    key.fill(0);
    closeSync(descriptor);
    unlinkQuietly(temporary);
  }
}

/** Node's permission model allows it to no process. */
function syncIfAllowed(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (codeOf(error) !== "ERR_ACCESS_DENIED") throw error;
  }
}

/** A umask may have removed the owner's own permissions, which reading the file later requires. */
function chmodOwnerOnly(descriptor: number): void {
  try {
    fchmodSync(descriptor, 0o600);
  } catch {
    // Not supported by every filesystem: the mode is checked next.
  }
}

/** Rejects a filesystem that does not keep owners and modes, before the key is written. */
function assertMadeForUs(directory: string, made: BigIntStats): void {
  if (Number(made.uid) === currentUser() && isOwnerOnly(made)) return;
  throw new TransportError(
    "IPC_KEY_FILE_UNTRUSTED",
    `a new file in ${directory} belongs to user ${made.uid} with mode ${formatMode(made)}, not to this user (${currentUser()}) with mode 0600; pass a path on a filesystem that keeps owners and modes as \`keyFile\`, the same on both sides`,
  );
}

function publishKey(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST") return;
    if (!NO_LINKS.has(errno)) throw error;
    // `rename` would work for one server, but could replace the key that another one has just read.
    throw new TransportError(
      "IPC_TRANSPORT_FAILED",
      `the filesystem of ${path} has no hard links (${errno}), so two servers could create two keys; pass a path on another filesystem as \`keyFile\`, the same on both sides`,
      { cause: error },
    );
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Removed already, or left behind: no reason to fail a server that has its key.
  }
}

/** Throws the TransportError for a system error; any other error passes unchanged. */
function throwKeyFileError(cause: unknown, path: string, doing: "making" | "reading"): never {
  const whenDenied =
    "give this user access to its directory, or pass another path as `keyFile`, the same on both sides";
  const denial = denialOf(cause, whenDenied);
  if (denial !== undefined) {
    const message = `${doing} the key file ${path} is forbidden to this process ${denial}`;
    throw new TransportError("IPC_PERMISSION_DENIED", message, { cause });
  }
  const errno = errnoOf(cause);
  if (errno === undefined) throw cause;
  if (errno === "ENOENT" && doing === "reading") {
    throw new TransportError(
      "IPC_NO_SERVER",
      `no key file ${path} (${errno}): the server that creates it has not started, or the file was removed; start the server, and check that both sides use the same path`,
      { cause },
    );
  }
  const message = `${doing} the key file ${path} failed: ${messageOf(cause)}${nextStep(errno)}`;
  throw new TransportError("IPC_TRANSPORT_FAILED", message, { cause });
}
