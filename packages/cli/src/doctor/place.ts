import { type BigIntStats, lstatSync } from "node:fs";
import { isIpcError } from "@ipc/client";
import { formatMode, socketPath } from "@ipc/transport/internal";
import { userNames } from "../connection/endpoint.js";
import { bad, explain, type Finding, good } from "./finding.js";

/** Trusts this user and root, as clients and servers do without options. */
export const STRICT = { trustedOwners: [], sharedDirectory: false };

/** Returns what is at a path, a link not followed; undefined if there is nothing, or nothing that this user may look at. */
export function statsOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** Describes an owner: `alice (1000)`. */
export function ownerText({ uid }: BigIntStats): string {
  const name = userNames().get(Number(uid));
  return name === undefined ? `user ${uid}` : `${name} (${uid})`;
}

/** Describes the access to a file: `mode 0600, owner root (0)`. */
export function accessText(stats: BigIntStats): string {
  return `mode ${formatMode(stats)}, owner ${ownerText(stats)}`;
}

/** The names under which a server can listen, as far as clients are told. */
export type EndpointKind = "name" | "manager";

/** Checks the length of the path of a socket; the finding has it as its path. */
export function examinePath(directory: string, name: string, kind: EndpointKind): Finding {
  try {
    const path = socketPath(directory, name, { kind }, process.platform);
    return good("path", path, `${Buffer.byteLength(path)} bytes`);
  } catch (error) {
    if (!isIpcError(error)) throw error;
    return bad("path", "path-too-long", directory, explain(error));
  }
}

/** Tells whether there is a file at which the manager of a name gives out ids. */
export function hasManager(directory: string, name: string): boolean {
  const { state, path } = examinePath(directory, name, "manager");
  return state === "ok" && statsOf(path) !== undefined;
}
