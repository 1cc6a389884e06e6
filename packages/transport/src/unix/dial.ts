import type { Socket } from "node:net";
import { connectSocket } from "../net/connect.js";
import { TransportError } from "../transport-error.js";
import { currentUser, type FileIdentity, inspectPath, isSameFile } from "./socket-file.js";

/**
 * Connects to a socket file that a trusted user owns: this user, root, or one of `trustedOwners`. The file is checked before
 * and after connecting, so that a file swapped in between is detected; in a directory that every user can write, such as /tmp,
 * any user may bind a free name.
 *
 * @throws TransportError `IPC_UNTRUSTED_SOCKET`; `IPC_NO_SERVER` when a trusted server was replaced or stopped meanwhile
 */
export async function dialVerified(
  path: string,
  trustedOwners: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const before = inspectTrusted(path, trustedOwners);
  const socket = await connectSocket({ path }, signal);
  try {
    const after = inspectTrusted(path, trustedOwners);
    if (!isSameFile(before, after)) {
      // A restart of the server is the usual reason; another dial finds the new server.
      throw new TransportError("IPC_NO_SERVER", `the server at ${path} was replaced during the dial; dial again`);
    }
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function inspectTrusted(path: string, trustedOwners: readonly number[]): FileIdentity {
  const found = inspectPath(path);
  switch (found.kind) {
    case "nothing":
      throw new TransportError(
        "IPC_NO_SERVER",
        `no server listens at ${path} (ENOENT); start it, or check that both sides name the same name and directory`,
      );
    case "other":
      throw new TransportError(
        "IPC_UNTRUSTED_SOCKET",
        `${path} is ${found.what}, not a socket; move it away, or check the name and the directory`,
      );
    case "socket":
      break;
  }
  if (found.owner !== currentUser() && found.owner !== 0 && !trustedOwners.includes(found.owner)) {
    throw new TransportError(
      "IPC_UNTRUSTED_SOCKET",
      `${path} belongs to user ${found.owner}, not to this user (${currentUser()}) or root; pass \`trustedOwners: [${found.owner}]\` if that is the server's user`,
    );
  }
  return found;
}
