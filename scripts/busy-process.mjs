// Keeps one core busy until its parent process is gone. Started by busy-processes.mjs, which it tells when it begins.
const SLICE_MS = 10;

process.once("disconnect", () => process.exit());
// A parent that is killed at once disconnects before this module is loaded, and the event is not repeated.
if (process.connected) process.send?.("busy", spin);

/** Yields to the event loop between slices, because "disconnect" arrives there. */
function spin() {
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end);
  setImmediate(spin);
}
