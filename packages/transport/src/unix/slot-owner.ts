import { managersOfSlot, slotNameError, socketPath } from "../endpoint.js";
import { currentUser, inspectPath } from "../fs/path-entry.js";
import { codeOf } from "../node-error.js";
import type { Endpoint } from "../transport.js";
import { isAnswering } from "./probe.js";

interface FailedListen {
  readonly directory: string;
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal | undefined;
}

/**
 * Returns the error of a failed listen, with the manager that may have a slot of this name if one listens: there is no server of
 * this name that a user could find.
 *
 * @throws TransportError `IPC_ABORTED`
 */
export async function explainAddressInUse(error: unknown, failed: FailedListen): Promise<unknown> {
  const { directory, name, endpoint, signal } = failed;
  if (endpoint.kind !== "name" || codeOf(error) !== "IPC_ADDRESS_IN_USE") return error;
  const address = socketPath(directory, name, endpoint, process.platform);
  if (!isOwnSocket(address)) return error;
  const manager = await findManagerOfSlot(directory, name, signal);
  return manager === undefined ? error : slotNameError(address, manager, error);
}

/**
 * Returns the manager of this user that listens and may have a slot of this name, if there is one.
 *
 * @throws TransportError `IPC_ABORTED`
 */
export async function findManagerOfSlot(
  directory: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  for (const manager of managersOfSlot(name)) {
    const path = managerPath(directory, manager);
    // The socket of another user is not dialled: if it is a golang-ipc server's, that would end it.
    if (path !== undefined && isOwnSocket(path) && (await isAnswering(path, signal))) return manager;
  }
  return undefined;
}

/** Returns undefined for a path that is too long for a manager to listen at. */
function managerPath(directory: string, manager: string): string | undefined {
  try {
    return socketPath(directory, manager, { kind: "manager" }, process.platform);
  } catch {
    return undefined;
  }
}

function isOwnSocket(path: string): boolean {
  const entry = inspectPath(path);
  return entry.kind === "socket" && entry.owner === currentUser();
}
