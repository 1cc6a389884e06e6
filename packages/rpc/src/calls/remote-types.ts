import { type CallFailed, isCallFailed, type ReservedCode } from "../call-failed.js";
import type { Contract, Method, MethodTypes } from "../contract/method.js";
import type { CallOptions, ItemCallOptions, OneWayOptions } from "./call-options.js";

/** The methods of a contract as functions that call the other side. */
export type Remote<C> = {
  readonly [K in keyof C]: C[K] extends Method<infer T>
    ? RemoteMethod<T>
    : C[K] extends Contract
      ? Remote<C[K]>
      : never;
};

/**
 * Calls one method. A call is sent when it is made; it rejects with CallFailed, RpcError, or the TypeError or RangeError of a
 * wrong argument.
 */
export type RemoteMethod<T extends MethodTypes> = [T["takes"]] extends [never]
  ? [T["gives"]] extends [never]
    ? UnaryMethod<T["input"], T["output"]>
    : (...args: CallArguments<T["input"], CallOptions>) => CallStream<T["gives"], T["output"]>
  : [T["gives"]] extends [never]
    ? (input: T["input"], options: ItemCallOptions<T["takes"]>) => Promise<T["output"]>
    : (input: T["input"], options: ItemCallOptions<T["takes"]>) => CallStream<T["gives"], T["output"]>;

/** A method without items. */
export interface UnaryMethod<Input, Output> {
  (...args: CallArguments<Input, CallOptions>): Promise<Output>;
  (input: Input, options: OneWayOptions): Promise<void>;
}

/** The input may be left out where it may be undefined. */
export type CallArguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options];

/**
 * A call of a method that gives items: iterate over them, and await the call or `result` for its output. Leaving the loop early
 * cancels the call. Without a loop, awaiting the call or `result` drops the items; a loop that begins then throws a TypeError.
 */
export interface CallStream<Item, Output> extends AsyncIterable<Item>, Promise<Output> {
  [Symbol.asyncIterator](): AsyncIterator<Item, undefined>;
  /** Settles after the last item. Its rejection needs no handler, because the loop rejects too. */
  readonly result: Promise<Output>;
}

/** The errors of a method: those that it declares, each with its data. */
export type FailureOf<M extends Method> =
  M extends Method<infer T>
    ? { readonly [K in keyof T["errors"] & string]: CallFailed<K, T["errors"][K]> }[keyof T["errors"] & string]
    : never;

/** An answer of the layer itself. */
export type ReservedFailure = CallFailed<ReservedCode>;

/**
 * Returns whether an error is one that a method declares, so that its code and data have their types. Without a method: whether the
 * layer itself answered, with a code that starts with `ipc.`.
 */
export function failed(error: unknown): error is ReservedFailure;
export function failed<M extends Method>(error: unknown, method: M): error is FailureOf<M>;
export function failed(error: unknown, method?: Method): boolean {
  if (!isCallFailed(error)) return false;
  const isReserved = error.code.startsWith("ipc.");
  if (method === undefined) return isReserved;
  // A method that is typed only cannot say which codes it declares.
  return method.errors?.has(error.code) ?? !isReserved;
}
