import { setgid, setgroups, setuid } from "node:process";

/** Two users that own nothing, by numbers that need no entry anywhere. */
export const FIRST_USER = 65_534;
export const SECOND_USER = 65_533;

/** Why a test is skipped. */
export const NEEDS_ROOT = "only root can become another user";

export const isRoot: boolean = process.getuid?.() === 0;

/**
 * Makes this process another user's for good. Called by a program when it is loaded, because the other user may have no right to
 * read it. Root's rights go with it.
 */
export function becomeUser(uid: number): void {
  setgroups?.([]);
  setgid?.(uid);
  setuid?.(uid);
}
