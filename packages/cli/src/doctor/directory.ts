import { accessSync, constants, realpathSync } from "node:fs";
import { isIpcError } from "@ipc/client";
import { currentUser, isReplaceable, isTrustedOwner, walkDirectory } from "@ipc/transport/internal";
import { bad, explain, type Finding, good, type Problem } from "./finding.js";
import { accessText, STRICT, statsOf } from "./place.js";

/** Checks a directory and those above it as clients and servers do. */
export function examineDirectory(directory: string): Finding {
  try {
    const { path, missing } = walkDirectory(directory, STRICT);
    const stats = statsOf(path);
    if (missing.length > 0 || stats === undefined) {
      return good("directory", directory, "does not exist, a server creates it for its user");
    }
    if (!isSearchable(path)) {
      return bad("directory", "no-permission", directory, {
        seen: `${accessText(stats)}, and this is user ${currentUser()}`,
        mend: `its owner can let other users in with: chmod a+x ${path}, or a group with: chmod g+x ${path}`,
      });
    }
    return good("directory", directory, `${accessText(stats)}, only owners can exchange files`);
  } catch (error) {
    if (!isIpcError(error)) throw error;
    return bad("directory", problemOf(error.code, directory), directory, explain(error));
  }
}

/** Returns whether nothing in the directory can be looked at. */
export function isClosed({ problem }: Finding): boolean {
  return problem === "no-permission" || problem === "no-directory";
}

function problemOf(code: string, directory: string): Problem {
  if (code === "IPC_PERMISSION_DENIED") return "no-permission";
  if (code !== "IPC_UNTRUSTED_SOCKET") return "no-directory";
  // The first one that is not trusted is what the walk has reported.
  for (const path of [...prefixesOf(directory), ...prefixesOf(realpathSync(directory))]) {
    const stats = statsOf(path);
    if (stats === undefined) continue;
    if (!isTrustedOwner(Number(stats.uid), STRICT)) return "wrong-owner";
    if (!stats.isSymbolicLink() && isReplaceable(stats)) return "writable-directory";
  }
  return "wrong-owner";
}

function isSearchable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Lists the directories on the way to one: `/`, `/run`, `/run/ipc`. */
function prefixesOf(directory: string): string[] {
  const names = directory.split("/").filter((name) => name !== "");
  return ["/", ...names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)];
}
