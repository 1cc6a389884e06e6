import type { KeyObject } from "node:crypto";
import { importPsk } from "@ipc/crypto";
import { MODE, type Offer } from "./offer.js";

/** What one side has to prove itself with and to check the other by, resolved. Keys live in KeyObjects. */
export interface Credentials {
  /** Whether `ipcx/1` is spoken at all. */
  readonly supportsSecure: boolean;
  /** Pre-shared keys of 32 bytes, in the order in which they are tried; a client has one at the most. */
  readonly psks: readonly KeyObject[];
  /** An Ed25519 private key. */
  readonly identity: KeyObject | undefined;
  /** The raw 32 bytes of each key that the other side may sign with. */
  readonly trustedPeers: readonly Uint8Array[] | undefined;
  /** Whether anything less than all that is configured is refused. */
  readonly require: boolean;
}

/** The credentials of somebody who has no keys and asks for none. */
export const NO_CREDENTIALS: Credentials = Object.freeze({
  supportsSecure: true,
  psks: Object.freeze([]),
  identity: undefined,
  trustedPeers: undefined,
  require: false,
});

/** Returns these credentials with one more pre-shared key, of 32 bytes, which stay the caller's to wipe. */
export function withPsk(credentials: Credentials, psk: Uint8Array): Credentials {
  return Object.freeze({ ...credentials, psks: Object.freeze([...credentials.psks, importPsk(psk)]) });
}

/** Returns the modes that a client is configured for: MODE bits. */
export function clientMode({ psks, identity, trustedPeers }: Credentials): number {
  return (
    (psks.length > 0 ? MODE.psk : 0) |
    (trustedPeers === undefined ? 0 : MODE.serverSigns) |
    (identity === undefined ? 0 : MODE.clientSigns)
  );
}

/** Returns what a server offers; undefined where it speaks golang-ipc's protocol only. */
export function offerOf({ supportsSecure, psks, identity, trustedPeers, require }: Credentials): Offer | undefined {
  if (!supportsSecure) return undefined;
  const accept =
    (psks.length > 0 ? MODE.psk : 0) |
    (identity === undefined ? 0 : MODE.serverSigns) |
    (trustedPeers === undefined ? 0 : MODE.clientSigns);
  return { accept, require: require ? accept : 0, refusesCompatible: require };
}

/**
 * Returns these credentials with the pre-shared key of a key file, if there is one. The key is wiped once it is imported.
 * @param place where the key file is; undefined: there is none
 * @param readKey reads, or makes, the 32 bytes of the file; what it throws is passed on
 */
export function withKeyFile<Place>(
  credentials: Credentials,
  place: Place | undefined,
  readKey: (place: Place) => Uint8Array,
): Credentials {
  if (place === undefined) return credentials;
  const key = readKey(place);
  try {
    return withPsk(credentials, key);
  } finally {
    key.fill(0);
  }
}
