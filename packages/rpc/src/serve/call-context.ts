import { isOwnCode } from "../call-failed.js";
import { formatValue } from "../format-value.js";
import type { Caller } from "../link/link.js";
import type { Meta } from "../wire/meta.js";
import { Failure } from "./failure.js";
import type { AnyCall, Middleware, Rpc } from "./handler-types.js";

/** The call that a call context describes. */
export interface ContextSource {
  readonly name: string;
  readonly expiresAt: number;
  readonly meta: Meta;
  readonly caller: Caller;
  readonly rpc: Rpc;
  readonly signal: AbortSignal;
  readonly items: AsyncIterable<unknown>;
}

/** A handled call, as its handler sees it. */
export class CallContext implements AnyCall {
  readonly #source: ContextSource;
  context: unknown;

  constructor(source: ContextSource) {
    this.#source = source;
  }

  get method(): string {
    return this.#source.name;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  get deadline(): number | undefined {
    const { expiresAt } = this.#source;
    return expiresAt === Number.POSITIVE_INFINITY ? undefined : Date.now() + expiresAt - performance.now();
  }

  get meta(): Meta {
    return this.#source.meta;
  }

  get caller(): Caller {
    return this.#source.caller;
  }

  get rpc(): Rpc {
    return this.#source.rpc;
  }

  get items(): AsyncIterable<unknown> {
    return this.#source.items;
  }

  fail(code: string, data: unknown): never {
    if (!isOwnCode(code)) {
      const takes = "a code of 1 … 64 bytes that does not start with `ipc.`";
      throw new TypeError(`${this.method}: \`fail\` takes ${takes}, got ${formatValue(code)}`);
    }
    throw new Failure(code, `${this.method} failed with ${code}`, data);
  }
}

/** The items of a call whose caller gives none. */
export const NO_ITEMS: AsyncIterable<never> = {
  // biome-ignore lint/correctness/useYield: there are no items.
  async *[Symbol.asyncIterator]() {
    return undefined;
  },
};

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
