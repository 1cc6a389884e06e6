/** The default time limits of a handshake and of close, in milliseconds; no test waits as long for anything. */
const LIMIT_MS = 5_000;
const NEVER_MS = 2_147_483_647;
const DONE: unique symbol = Symbol.for("unhurried timers");

// A handshake may take more than 5 s on a busy machine. Timers of that length never fire by the real clock, because a verdict
// must not depend on the machine: the time limit of the test is the only bound. Tests of time limits stop the clock.
if (!Reflect.has(globalThis.setTimeout, DONE)) {
  Reflect.set(globalThis.setTimeout, DONE, true);
  globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
    apply: (real, self, [callback, ms, ...rest]) =>
      Reflect.apply(real, self, [callback, ms >= LIMIT_MS ? NEVER_MS : ms, ...rest]),
  });
}
