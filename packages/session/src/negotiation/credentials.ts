import type { KeyObject } from "node:crypto";
import { importPsk } from "@ipc/crypto";
import { MODE, type SecurityOffer } from "./offer.js";

/** The resolved keys with which one side proves itself and verifies its peer. Own keys are held in KeyObjects. */
export interface Credentials {
  /** Whether this side supports the `ipcx/1` extension. */
  readonly supportsSecure: boolean;
  /** Pre-shared keys of 32 bytes, in the order in which they are tried; a client has at most one. */
  readonly psks: readonly KeyObject[];
  /** An Ed25519 private key. */
  readonly identity: KeyObject | undefined;
  /** The raw 32 bytes of each public key that the peer may sign with. */
  readonly trustedPeers: readonly Uint8Array[] | undefined;
  /** Whether a connection without every configured mode is rejected. */
  readonly require: boolean;
}

/** Credentials of a peer that has no keys and requires none. */
export const NO_CREDENTIALS: Credentials = Object.freeze({
  supportsSecure: true,
  psks: Object.freeze([]),
  identity: undefined,
  trustedPeers: undefined,
  require: false,
});

/** Returns these credentials with one more pre-shared key of 32 bytes, which the caller must wipe. */
export function withPsk(credentials: Credentials, psk: Uint8Array): Credentials {
  return Object.freeze({ ...credentials, psks: Object.freeze([...credentials.psks, importPsk(psk)]) });
}

/** Returns the modes that a client is configured for, as MODE bits. */
export function clientMode({ psks, identity, trustedPeers }: Credentials): number {
  return (
    (psks.length > 0 ? MODE.psk : 0) |
    (trustedPeers === undefined ? 0 : MODE.serverSigns) |
    (identity === undefined ? 0 : MODE.clientSigns)
  );
}

/** Returns a server's offer; undefined if the server supports golang-ipc's protocol only. */
export function offerOf({
  supportsSecure,
  psks,
  identity,
  trustedPeers,
  require,
}: Credentials): SecurityOffer | undefined {
  if (!supportsSecure) return undefined;
  const accept =
    (psks.length > 0 ? MODE.psk : 0) |
    (identity === undefined ? 0 : MODE.serverSigns) |
    (trustedPeers === undefined ? 0 : MODE.clientSigns);
  return { accept, require: require ? accept : 0, refusesCompatible: require };
}

/**
 * Returns these credentials with the pre-shared key of a key file, if there is one. The key is wiped after the import.
 * @param place the key file's location; undefined: there is none
 * @param readKey reads, or creates, the 32 bytes of the file; its exceptions are rethrown
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
