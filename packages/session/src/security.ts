import type { ConnectionSecurity } from "./peer.js";

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
