import { type BigIntStats, statSync } from "node:fs";
import { isIpcError } from "@ipc/client";
import { isOwnerOnly } from "@ipc/transport/internal";
import { type KeyFilePlace, readKeyFile, resolveKeyFile } from "@ipc/transport/key-file";
import type { ConnectionOptions } from "../options/shared-options.js";
import { bad, explain, type Finding, good } from "./finding.js";
import { accessText, statsOf } from "./place.js";

/** Checks the files of the keys that the options name, and the server's key file at its usual place if there is one. */
export function examineKeys(name: string, { keyFile, pskFile, identity }: ConnectionOptions): Finding[] {
  const secrets = Object.entries({ "--psk-file": pskFile, "--identity": identity });
  return [
    ...examinePlace(name, keyFile),
    ...secrets.flatMap(([option, path]) => (path === undefined ? [] : [examineSecret(option, path)])),
  ];
}

function examinePlace(name: string, keyFile: true | string | undefined): Finding[] {
  if (process.platform === "win32") return [];
  const place = resolveKeyFile(name, keyFile ?? true);
  if (keyFile === undefined && statsOf(place.path) === undefined) return [];
  return [examineKeyFile(place)];
}

/** Checks a key file as servers and clients do. */
function examineKeyFile(place: KeyFilePlace): Finding {
  const { path } = place;
  try {
    readKeyFile(place).fill(0);
    const stats = statsOf(path);
    return good("key", path, stats === undefined ? "a key file" : `a key file, ${accessText(stats)}`);
  } catch (error) {
    if (!isIpcError(error)) throw error;
    const problem = error.code === "IPC_KEY_FILE_UNTRUSTED" ? "key-not-private" : "key-missing";
    return bad("key", problem, path, explain(error));
  }
}

function examineSecret(option: string, path: string): Finding {
  let stats: BigIntStats;
  try {
    stats = statSync(path, { bigint: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const seen = code === "ENOENT" ? "no such file" : message;
    const mend = code === "ENOENT" ? "; ipc key new makes one" : ", and the directories above the file";
    return bad("key", "key-missing", path, { seen, mend: `check ${option}${mend}` });
  }
  if (isOwnerOnly(stats)) return good("key", path, `${option}, ${accessText(stats)}`);
  return bad("key", "key-not-private", path, {
    seen: `${option}, ${accessText(stats)}: other users have rights to it`,
    mend: `make another key, because others may know this one; then: chmod 600 ${path}`,
  });
}
