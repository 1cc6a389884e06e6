import type { AnyCall, Middleware } from "./handler-types.js";

/**
 * Runs a handler within middleware, the first one outermost. Each may run what follows it once, because a handler that runs twice
 * for one call does its work twice.
 */
export function runThrough(
  use: readonly Middleware[],
  call: AnyCall,
  handle: () => Promise<unknown>,
): Promise<unknown> {
  const step = (index: number): Promise<unknown> => {
    const middleware = use[index];
    if (middleware === undefined) return handle();
    let isCalled = false;
    return middleware(call, async () => {
      if (isCalled) throw new Error(`${call.method}: middleware ${index} has called \`next\` twice`);
      isCalled = true;
      return step(index + 1);
    });
  };
  return step(0);
}
