import { createHash } from "node:crypto";
import { SessionError } from "../errors.js";

/** Size of the hash of a server's name in the offer. */
export const SERVER_NAME_BYTES = 16;

/** The hash of a server without a name. */
const NO_NAME: Uint8Array = new Uint8Array(SERVER_NAME_BYTES);

/** Returns the first 16 bytes of SHA-256("ipcx/1 name" ‖ name in UTF-8); 16 zero bytes without a name. */
export function hashServerName(name: string | undefined): Uint8Array {
  if (name === undefined) return NO_NAME.slice();
  return new Uint8Array(
    createHash("sha256").update("ipcx/1 name").update(name).digest().subarray(0, SERVER_NAME_BYTES),
  );
}

export interface ServerNameCheck {
  /** The address to which the client is connected, for error messages. */
  readonly address: string;
  /** The name that the server must have; undefined: any. */
  readonly expected: string | undefined;
  /** Whether a server that announces no name is rejected too. */
  readonly require: boolean;
}

/**
 * Rejects a server of another name.
 * @param nameHash from the offer; undefined: the server made no offer
 * @throws SessionError IPC_SECURITY_REFUSED
 */
export function assertServerName(nameHash: Uint8Array | undefined, check: ServerNameCheck): void {
  const { address, expected, require } = check;
  if (expected === undefined) return;
  const isNamed = nameHash?.some((byte) => byte !== 0) === true;
  if (!isNamed) {
    if (!require) return;
    throw new SessionError(
      "IPC_SECURITY_REFUSED",
      `server rejected: the server at ${address} announces no name, expected \`${expected}\`; start the server with \`name\``,
    );
  }
  const hash = hashServerName(expected);
  if (nameHash.every((byte, index) => byte === hash[index])) return;
  throw new SessionError(
    "IPC_SECURITY_REFUSED",
    `the server at ${address} is not \`${expected}\`; connect to the address of \`${expected}\`, or set \`serverName\` to the name that the server was started with`,
  );
}
