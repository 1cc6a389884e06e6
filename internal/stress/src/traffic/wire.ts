/** The protocol between two peers: golang-ipc's without and with its encryption, and the secure session of this library. */
export type Wire = "plain" | "compatible" | "secure";

export const WIRES: readonly Wire[] = ["plain", "compatible", "secure"];

const OPTIONS = {
  plain: { encryption: false },
  compatible: { encryption: true, security: { wire: "golang-ipc" } },
  secure: { encryption: true },
} as const satisfies Record<Wire, object>;

const KEYED = { encryption: true, security: { psk: new Uint8Array(32).fill(1) } } as const;

/** The options of a client, server or manager that speaks it. `keyed`: the secure session, with a pre-shared key. */
export function wireOptions(
  wire: Wire,
  keyed = false,
): { encryption: boolean; security?: { wire: "golang-ipc" } | { psk: Uint8Array } } {
  return keyed ? KEYED : OPTIONS[wire];
}

/** The protocol between two peers of this library with or without `encryption`. */
export function defaultWire(encryption: boolean): Wire {
  return encryption ? "secure" : "plain";
}
