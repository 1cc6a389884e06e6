import type { Method } from "../contract/method.js";
import { formatValue } from "../format-value.js";
import type { Caller } from "../link/link.js";
import { isIterable } from "../streams/item-sender.js";
import type { AnyCall, Middleware, ServeOptions } from "./handler-types.js";

/** The part of `serve` that the methods of one contract share. */
export interface Service {
  readonly context: ((caller: Caller) => unknown) | undefined;
  readonly use: readonly Middleware[];
  readonly exposeErrors: boolean;
  /** Whether `ipc.describe` lists the methods. */
  readonly isDescribed: boolean;
}

/** A method with the function that handles it. */
export interface ServedMethod {
  readonly name: string;
  readonly method: Method;
  readonly handler: (input: unknown, call: AnyCall) => unknown;
  readonly service: Service;
}

const KNOWN: readonly (keyof ServeOptions)[] = ["context", "use", "exposeErrors", "describe"];

/** Validates the options of `serve`. @throws TypeError */
export function resolveService(options: unknown): Service {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`serve: takes an object of options, got ${formatValue(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!(KNOWN as readonly string[]).includes(key)) {
      throw new TypeError(`serve: unknown option \`${key}\`; known options: ${KNOWN.join(", ")}`);
    }
  }
  const { context, use = [], exposeErrors = false, describe } = options as Record<keyof ServeOptions, unknown>;
  if (context !== undefined && typeof context !== "function") {
    throw new TypeError(`serve: \`context\` takes a function, got ${formatValue(context)}`);
  }
  if (!Array.isArray(use) || use.some((middleware) => typeof middleware !== "function")) {
    throw new TypeError(`serve: \`use\` takes an array of functions, got ${formatValue(use)}`);
  }
  if (typeof exposeErrors !== "boolean") {
    throw new TypeError(`serve: \`exposeErrors\` takes true or false, got ${formatValue(exposeErrors)}`);
  }
  const isDescribed = describe ?? use.length === 0;
  if (typeof isDescribed !== "boolean") {
    throw new TypeError(`serve: \`describe\` takes true or false, got ${formatValue(describe)}`);
  }
  return { context: context as Service["context"], use: [...use] as Middleware[], exposeErrors, isDescribed };
}

/**
 * Whether what a handler has returned are its items. A method that is typed only may give none, and its output may be an array.
 * @throws Error if the contract promises items and there are none
 */
export function areItems(
  served: ServedMethod,
  returned: unknown,
): returned is Iterable<unknown> | AsyncIterable<unknown> {
  if (served.method.gives === undefined) {
    return isIterable(returned) && (Symbol.asyncIterator in returned || "next" in returned);
  }
  if (isIterable(returned)) return true;
  const takes = "a handler that returns an iterable or async iterable";
  throw new Error(`${served.name}: takes ${takes}, got ${formatValue(returned)}`);
}
