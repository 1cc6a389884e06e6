/** What speed.ts and its receiver agree on. */
export const NAME = "speed";
export const COUNTED = 1;
export const REPORT = 2;

/** Options of both sides for each of the three ways in which two of ours can talk. */
export const WIRES = {
  plain: { encryption: false },
  compatible: { security: { wire: "golang-ipc" } },
  secure: {},
} as const;

export type Wire = keyof typeof WIRES;
