import type { KeyObject } from "node:crypto";

/** How a connection is protected, and what its peer has proved. */
export interface ConnectionSecurity {
  /**
   * `plain`: no protection. `compatible`: golang-ipc's encryption, which protects against eavesdroppers only. `secure`: an
   * `ipcx/1` session, which also detects tampering, replay, omission and truncation.
   */
  readonly mode: "plain" | "compatible" | "secure";
  /**
   * `psk`: whether the peer has a configured pre-shared key. `key`: the raw 32 bytes of the Ed25519 public key that the peer
   * proved by its signature, one of `trustedPeers`. With neither, the peer is anonymous.
   */
  readonly peer: { readonly psk: boolean; readonly key?: Uint8Array };
  /** True if resume is in force: the session goes on over another connection when this one is cut. @default absent */
  readonly resumable?: true;
}

/** No encryption: the peer is anonymous. */
export const PLAIN_SECURITY: ConnectionSecurity = Object.freeze({ mode: "plain", peer: Object.freeze({ psk: false }) });

/** golang-ipc's encryption: the peer is anonymous. */
export const COMPATIBLE_SECURITY: ConnectionSecurity = Object.freeze({
  mode: "compatible",
  peer: Object.freeze({ psk: false }),
});

/** A secure session without keys: the peer is anonymous. */
export const ANONYMOUS_SECURITY: ConnectionSecurity = Object.freeze({
  mode: "secure",
  peer: Object.freeze({ psk: false }),
});

/** The keys with which a client has proved itself to a server, by which the server recognizes one that it withdraws. */
export interface ProvedKeys {
  readonly psk: KeyObject | undefined;
  /** The raw 32 bytes of the Ed25519 public key to its signature. */
  readonly identity: Uint8Array | undefined;
}

/** Describes for a log how a connection is protected, and what its peer has proved. */
export function describeSecurity({ mode, peer }: ConnectionSecurity): string {
  switch (mode) {
    case "plain":
      return "plain: nothing is encrypted";
    case "compatible":
      return "compatible: golang-ipc's encryption, the peer is anonymous";
    case "secure": {
      const proofs = [...(peer.psk ? ["a pre-shared key"] : []), ...(peer.key === undefined ? [] : ["its signature"])];
      return proofs.length === 0 ? "secure, the peer is anonymous" : `secure, the peer proved ${proofs.join(" and ")}`;
    }
  }
}
