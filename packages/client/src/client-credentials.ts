import { type Credentials, withPsk } from "@ipc/session";
import { readKeyFile } from "@ipc/transport";
import type { ResolvedClientOptions } from "./client-options.js";

/**
 * Returns what a client proves itself with just now: its keys, and what its key file holds at this moment.
 * @throws TransportError IPC_NO_SERVER where no server has made that file yet; IPC_KEY_FILE_UNTRUSTED,
 * IPC_PERMISSION_DENIED, IPC_TRANSPORT_FAILED
 */
export function clientCredentials({ credentials, keyFilePlace }: ResolvedClientOptions): Credentials {
  if (keyFilePlace === undefined) return credentials;
  const key = readKeyFile(keyFilePlace);
  try {
    return withPsk(credentials, key);
  } finally {
    key.fill(0);
  }
}
