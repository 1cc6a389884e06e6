import { type Credentials, withPsk } from "@ipc/session";
import { ensureKeyFile } from "@ipc/transport";
import type { ResolvedServerOptions } from "./server-options.js";

/**
 * Returns what a server proves itself with: its keys, and that of its key file, which is made where it is missing.
 * @throws TransportError IPC_KEY_FILE_UNTRUSTED, IPC_PERMISSION_DENIED, IPC_TRANSPORT_FAILED
 */
export function serverCredentials({ credentials, keyFilePlace }: ResolvedServerOptions): Credentials {
  if (keyFilePlace === undefined) return credentials;
  const key = ensureKeyFile(keyFilePlace);
  try {
    return withPsk(credentials, key);
  } finally {
    key.fill(0);
  }
}
