import timers from "node:timers";

/** A manager keeps a slot this long after its client has gone. */
const SLOT_KEPT_MS = 30_000;
const SHORTER_MS = 100;

/** Makes the timers of this process that keep a slot shorter, so that nothing waits for them. */
export function shortenSlots(): void {
  const startTimer = timers.setTimeout;
  const shorten = (run: () => void, ms?: number): NodeJS.Timeout =>
    startTimer(run, ms === SLOT_KEPT_MS ? SHORTER_MS : ms);
  timers.setTimeout = Object.assign(shorten, startTimer);
}
