import { type CallFailed, isCallFailed, type ReservedCode } from "../call-failed.js";
import type { Method } from "../contract/method.js";

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
