/** What speed.ts and its receiver agree on. */
export const NAME = "speed";
export const COUNTED = 1;
export const REPORT = 2;
