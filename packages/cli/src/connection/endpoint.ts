import { accessSync, constants, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  findSocketHolders,
  isAnswering,
  machineDirectories,
  readListeningSockets,
  userDirectory,
} from "@ipc/transport/internal";

/** The directory of the library's sockets, and of golang-ipc's. */
const SHARED_DIRECTORY = "/tmp";
const SUFFIX = ".sock";
/** The names of the library's sockets, and of golang-ipc's own. */
const FILE = /^[A-Za-z0-9][A-Za-z0-9._-]*\.sock$/;
const MODE_BITS = 0o777;

/**
 * Whether a server is behind a socket file. `refused`: this user may not connect. `stale`: the server has gone. `unknown`: the system
 * does not list its sockets, and the server was not asked.
 */
export type EndpointState = "listening" | "stale" | "refused" | "unknown";

/** A socket file, and what is behind it. */
export interface EndpointInfo {
  readonly name: string;
  readonly state: EndpointState;
  readonly owner: string;
  /** Octal, of four digits. */
  readonly mode: string;
  /** Null if there is none, or this user may not see it. */
  readonly pid: number | null;
  readonly path: string;
}

/** Returns the directories in which a command looks for sockets. */
export function directoriesOf(directory: string | undefined): string[] {
  const own = userDirectory(machineDirectories());
  if (directory === undefined) return [SHARED_DIRECTORY, own];
  return [directory === "user" ? own : resolve(directory)];
}

/** Lists the names of the sockets in some directories, without a look at them. */
export function listSockets(directories: readonly string[]): string[] {
  return directories.flatMap((directory) =>
    readNames(directory)
      .filter((file) => FILE.test(file))
      .sort()
      .map((file) => join(directory, file)),
  );
}

/**
 * Looks at socket files. A server that the system lists is not connected to, because a golang-ipc server ends after such a connection.
 * @param probe connects also where the system has no list
 */
export async function inspectEndpoints(paths: readonly string[], probe: boolean): Promise<EndpointInfo[]> {
  const listening = await readListeningSockets();
  const links = paths.flatMap((path) => listening?.get(path) ?? []);
  const holders = links.length === 0 ? new Map<string, number>() : await findSocketHolders(new Set(links));
  const owners = userNames();
  const found: EndpointInfo[] = [];
  for (const path of paths) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    // Removed meanwhile, or some other file.
    if (stats?.isSocket() !== true) continue;
    const links = listening?.get(path) ?? [];
    found.push({
      name: path.slice(path.lastIndexOf("/") + 1, -SUFFIX.length),
      state: await stateOf(path, links.length > 0, listening !== undefined || probe),
      owner: owners.get(stats.uid) ?? String(stats.uid),
      mode: (stats.mode & MODE_BITS).toString(8).padStart(4, "0"),
      pid: links.map((link) => holders.get(link)).find((pid) => pid !== undefined) ?? null,
      path,
    });
  }
  return found;
}

async function stateOf(path: string, isListed: boolean, mayAsk: boolean): Promise<EndpointState> {
  try {
    accessSync(path, constants.W_OK);
  } catch {
    return "refused";
  }
  if (isListed) return "listening";
  if (!mayAsk) return "unknown";
  return (await isAnswering(path, undefined)) ? "listening" : "stale";
}

/** The names of the users of this machine, as far as a file has them. */
export function userNames(): ReadonlyMap<number, string> {
  const lines = readText("/etc/passwd").split("\n");
  return new Map(lines.map((line) => line.split(":")).map(([name = "", , uid]) => [Number(uid), name]));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
