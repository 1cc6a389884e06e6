import type { ConnectionSecurity } from "@ipc/client";

/** How a connection is protected, as `--json` prints it. */
export interface SecurityFields {
  readonly security: ConnectionSecurity["mode"];
  /** Proofs of the peer: its pre-shared key, or its public key in base64. */
  readonly proved: readonly string[];
}

/** Describes how a connection is protected for `--json`. */
export function securityFields({ mode, peer }: ConnectionSecurity): SecurityFields {
  const key = peer.key === undefined ? [] : [`key ${Buffer.from(peer.key).toString("base64")}`];
  return { security: mode, proved: [...(peer.psk ? ["psk"] : []), ...key] };
}

/** Says to people how a connection is protected. */
export function securityText(security: ConnectionSecurity, peer: "client" | "server" = "server"): string {
  const { proved } = securityFields(security);
  switch (security.mode) {
    case "plain":
      return "plain, not encrypted";
    case "compatible":
      return `golang-ipc's encryption, the ${peer} is anonymous`;
    case "secure":
      return proved.length === 0
        ? `secure, the ${peer} is anonymous`
        : `secure, the ${peer} proved ${proved.join(" and ")}`;
  }
}

/** Returns the URL of a broker without the user and the password that it may have, for everything that is printed. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)?.*@/i, "$1");
}
