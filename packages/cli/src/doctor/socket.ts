import { accessSync, type BigIntStats, constants } from "node:fs";
import {
  currentUser,
  findSocketHolders,
  isAnswering,
  isTrustedOwner,
  kindOf,
  lockPath,
  type readListeningSockets,
} from "@ipc/transport/internal";
import { bad, type Finding, good } from "./finding.js";
import { accessText, ownerText, STRICT, statsOf } from "./place.js";

const OTHER_NAME = "choose another name or directory; its owner, or the owner of the directory, can remove it";

/** The listeners of the machine by path; undefined where the system does not list them. */
export type Listening = Awaited<ReturnType<typeof readListeningSockets>>;

/** Checks a socket file: whether a server is behind it, and whether this user may connect. Opens no connection to a server that runs. */
export async function examineSocket(path: string, listening: Listening): Promise<Finding> {
  const links = listening?.get(path) ?? [];
  const stats = statsOf(path);
  if (stats === undefined) return examineAbsence(path, links);
  if (!stats.isSocket()) return notASocket(path, stats);
  const isForeign = !isTrustedOwner(Number(stats.uid), STRICT);
  if (isForeign) return links.length > 0 ? foreignServer(path, stats) : foreignFile(path, stats);
  if (!isWritable(path)) {
    return bad("socket", "no-permission", path, {
      seen: `${accessText(stats)}, and this is user ${currentUser()}`,
      mend: "start the server with `unmaskPermissions: true` for every user, or with `mode: 0o660` and `group` for a group",
    });
  }
  if (links.length > 1) {
    return bad("socket", "socket-removed", path, {
      seen: `${await processes(links)} listen under this path, and only the last one started is found`,
      mend: "stop the others; two servers need two names",
    });
  }
  if (links.length === 0 && listening !== undefined && !(await isAnswering(path, undefined))) {
    return bad("socket", "stale-socket", path, {
      seen: `${accessText(stats)}, and no process listens`,
      mend: `start the server, which replaces the file; or: rm ${path}`,
    });
  }
  const listener = links.length === 0 ? "" : `, ${await processes(links)} listens`;
  return good("socket", path, `${accessText(stats)}${listener}`);
}

/** Checks the lock with which servers take a name; no finding without one that hinders. */
export function examineLock(path: string): Finding[] {
  const lock = lockPath(path);
  const stats = statsOf(lock);
  if (stats === undefined || Number(stats.uid) === currentUser()) return [];
  const seen = `a lock of ${ownerText(stats)}, and this is user ${currentUser()}`;
  return [bad("lock", "name-taken", lock, { seen, mend: OTHER_NAME })];
}

async function examineAbsence(path: string, links: readonly string[]): Promise<Finding> {
  if (links.length === 0) {
    return bad("socket", "no-server", path, {
      seen: "no such file",
      mend: "start the server, or check that both sides have the same name and directory",
    });
  }
  return bad("socket", "socket-removed", path, {
    seen: `no such file, and ${await processes(links)} listens under this path`,
    mend: "restart that server; if something tidies the directory up, exclude its sockets or choose another directory",
  });
}

function notASocket(path: string, stats: BigIntStats): Finding {
  return bad("socket", "name-taken", path, {
    seen: `${kindOf(stats)}, not a socket, ${accessText(stats)}`,
    mend: "move it away, or choose another name or directory",
  });
}

function foreignServer(path: string, stats: BigIntStats): Finding {
  return bad("socket", "wrong-owner", path, {
    seen: `${accessText(stats)}, a server listens, and this is user ${currentUser()}`,
    mend: `connect with \`trustedOwners: [${stats.uid}]\` if that is the server's user; a server of yours needs another name or directory`,
  });
}

function foreignFile(path: string, stats: BigIntStats): Finding {
  return bad("socket", "name-taken", path, {
    seen: `${accessText(stats)}, no server listens, and this is user ${currentUser()}`,
    mend: OTHER_NAME,
  });
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Names the processes of listeners, as far as this user may see them. */
async function processes(links: readonly string[]): Promise<string> {
  const holders = new Set((await findSocketHolders(new Set(links))).values());
  if (holders.size === 0) return links.length === 1 ? "a process" : `${links.length} processes`;
  return `${holders.size === 1 ? "process" : "processes"} ${[...holders].join(" and ")}`;
}
