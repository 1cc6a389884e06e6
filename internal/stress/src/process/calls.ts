/** Ends this process when the runner is gone before it has done what it is for: also if the runner was killed. */
export function endAsOrphan(isDone: () => boolean): void {
  process.once("disconnect", () => {
    if (!isDone()) process.exit(1);
  });
}
