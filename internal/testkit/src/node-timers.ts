import { createRequire, syncBuiltinESMExports } from "node:module";

const DONE: unique symbol = Symbol.for("node:timers follows the globals");
/** How often a listener looks at its file: by the real clock, which is no part of what a test of a peer stops and counts. */
const LOOK_MS = 2_000;

// The packages take their timers from `node:timers`, and fake timers replace the global ones only: an import keeps what the
// module exported when it was loaded.
const timers: Record<string, unknown> = createRequire(import.meta.url)("node:timers");
if (!Reflect.has(timers, DONE)) {
  Reflect.set(timers, DONE, true);
  const real = { setInterval, clearInterval, clearImmediate };
  const probe = setImmediate(() => {});
  const RealImmediate = probe.constructor as new () => object;
  clearImmediate(probe);
  const looks = new WeakSet<object>();
  const follow =
    (name: "setTimeout" | "clearTimeout" | "setInterval" | "clearInterval" | "setImmediate" | "clearImmediate") =>
    (...args: unknown[]): unknown =>
      Reflect.apply(globalThis[name], undefined, args);
  Object.assign(timers, {
    setTimeout: follow("setTimeout"),
    clearTimeout: follow("clearTimeout"),
    setImmediate: follow("setImmediate"),
    // Node.js counts an immediate less for whatever it is given, also for a fake one that outlives its clock: then a lone real
    // immediate never runs, in this process and in whichever test is next.
    clearImmediate(immediate: unknown): void {
      const isFake = !(immediate instanceof RealImmediate);
      if (!isFake || globalThis.clearImmediate !== real.clearImmediate) follow("clearImmediate")(immediate);
    },
    setInterval(callback: () => void, ms: number): unknown {
      if (ms !== LOOK_MS) return follow("setInterval")(callback, ms);
      const look = real.setInterval(callback, ms);
      looks.add(look);
      return look;
    },
    clearInterval(timer: NodeJS.Timeout | undefined): void {
      if (timer !== undefined && looks.has(timer)) real.clearInterval(timer);
      else follow("clearInterval")(timer);
    },
  });
  syncBuiltinESMExports();
}
