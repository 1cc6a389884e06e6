/** What is spoken: golang-ipc's protocol without and with its encryption, and our own. */
export type Wire = "plain" | "compatible" | "secure";

export const WIRES: readonly Wire[] = ["plain", "compatible", "secure"];

/** What a peer of ours is told to speak it. */
export function optionsOf(wire: Wire): { encryption: boolean; security?: { wire: "golang-ipc" } } {
  switch (wire) {
    case "plain":
      return { encryption: false };
    case "compatible":
      return { encryption: true, security: { wire: "golang-ipc" } };
    case "secure":
      return { encryption: true };
  }
}
