/**
 * The protocol between two peers: golang-ipc's without and with its encryption, and the secure session of this library, without
 * and with a pre-shared key.
 */
export type Wire = "plain" | "compatible" | "secure" | "psk";

/** The wires that need no key, so that an attacker can complete a handshake. */
export const WIRES: readonly Wire[] = ["plain", "compatible", "secure"];

const OPTIONS = {
  plain: { encryption: false },
  compatible: { encryption: true, security: { wire: "golang-ipc" } },
  secure: { encryption: true },
  psk: { encryption: true, security: { psk: new Uint8Array(32).fill(1) } },
} as const satisfies Record<Wire, object>;

/** The options of a client, server or manager that speaks it. */
export function wireOptions(wire: Wire): {
  encryption: boolean;
  security?: { wire: "golang-ipc" } | { psk: Uint8Array };
} {
  return OPTIONS[wire];
}

/** The protocol between two peers of this library with or without `encryption`. */
export function defaultWire(encryption: boolean): Wire {
  return encryption ? "secure" : "plain";
}
