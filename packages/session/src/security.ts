/** What protects a connection, and what its peer has proved. */
export interface ConnectionSecurity {
  /**
   * `plain`: nothing. `compatible`: golang-ipc's encryption, against onlookers. `secure`: the session `ipcx/1`, in which no
   * message can be changed, repeated, left out or cut off unnoticed.
   */
  readonly mode: "plain" | "compatible" | "secure";
  /**
   * `psk`: it has the pre-shared key, or one of them. `key`: the 32 raw bytes of the public Ed25519 key that it has signed
   * for, one of `trustedPeers`. Neither: it is anonymous.
   */
  readonly peer: { readonly psk: boolean; readonly key?: Uint8Array };
}

/** What a connection without encryption proves: nothing. */
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

/** Says for a log what a connection is, and what its peer has proved. */
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
