import { type BigIntStats, lstatSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { currentUser, formatMode, isOwnerOnly, isReplaceable, kindOf } from "../fs/path-entry.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import type { KeyFilePlace } from "./key-file-place.js";

const ELSEWHERE = "or pass another path as `keyFile`, the same on both sides";

/**
 * Returns if no other user except root can replace the key file. The private directory must be a directory and not a link to
 * one, belong to this user, and give no permissions to other users. Its parent, and the directory of a given path, must belong
 * to this user or root, and only be writable for other users if it is sticky.
 *
 * Permissions are never repaired: they may be intended, and other users may have used them already.
 *
 * @throws TransportError `IPC_KEY_FILE_UNTRUSTED`
 */
export function assertKeyDirectory({ path, directory }: KeyFilePlace): void {
  switch (directory) {
    case "private":
      assertNotReplaceable(dirname(dirname(path)));
      assertPrivate(dirname(path));
      return;
    case "given":
      assertNotReplaceable(dirname(path));
      return;
  }
}

/** Creates the private directory if it is missing, then does the same as `assertKeyDirectory`. */
export function ensureKeyDirectory(place: KeyFilePlace): void {
  if (place.directory === "private") {
    const directory = dirname(place.path);
    // First: with `sudo -E`, XDG_RUNTIME_DIR is another user's, whose servers would then find a directory of root there.
    assertNotReplaceable(dirname(directory));
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  }
  assertKeyDirectory(place);
}

function assertNotReplaceable(directory: string): void {
  const stats = statSync(directory, { bigint: true });
  assertDirectory(directory, stats);
  const owner = Number(stats.uid);
  if (owner !== currentUser() && owner !== 0) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `${directory} belongs to user ${owner}, not to this user (${currentUser()}) or root, so its owner could replace the key; set XDG_RUNTIME_DIR to a directory of this user, ${ELSEWHERE}`,
    );
  }
  if (isReplaceable(stats)) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `${directory} has mode ${formatMode(stats)}, so other users could replace the key; run \`chmod go-w\` on it, ${ELSEWHERE}`,
    );
  }
}

function assertPrivate(directory: string): void {
  const stats = lstatSync(directory, { bigint: true });
  assertDirectory(directory, stats);
  const owner = Number(stats.uid);
  if (owner !== currentUser()) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `${directory} belongs to user ${owner}, not to this user (${currentUser()}); remove it, ${ELSEWHERE}`,
    );
  }
  if (!isOwnerOnly(stats)) {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      `${directory} has mode ${formatMode(stats)} instead of 0700, so other users may have read or replaced the key; remove it and restart the server, which recreates it, ${ELSEWHERE}`,
    );
  }
}

function assertDirectory(directory: string, stats: BigIntStats): void {
  if (stats.isDirectory()) return;
  throw new TransportError(
    "IPC_KEY_FILE_UNTRUSTED",
    `${directory} is ${kindOf(stats)}, not a directory; move it away, ${ELSEWHERE}`,
  );
}
