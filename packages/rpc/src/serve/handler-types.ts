import type { Remote } from "../calls/remote-types.js";
import type { Contract, Method, MethodTypes } from "../contract/method.js";
import type { Caller } from "../link/link.js";
import type { Meta } from "../wire/meta.js";

/** The call that a handler handles, as the handler sees it. */
export interface Call<Context = unknown, Items = never, Errors extends object = Record<never, never>> {
  /** The full name of the method. */
  readonly method: string;
  /**
   * Fires when the caller no longer waits for the call. Its reason is an error with a code: IPC_ABORTED (cancelled), IPC_TIMED_OUT (its
   * deadline), IPC_CALL_LOST (the connection), IPC_CLOSED (this side shuts down).
   */
  readonly signal: AbortSignal;
  /** When the call ends, in milliseconds since the epoch; undefined without a deadline. Calls of the handler inherit it. */
  readonly deadline: number | undefined;
  readonly meta: Meta;
  /** The value that the option `context` of `serve` made for this call. */
  readonly context: Context;
  readonly caller: Caller;
  /**
   * Calls the caller: such a call ends with the handler's deadline at the latest, and rejects with IPC_CALL_LOST once the caller has
   * gone, also if another one is there.
   */
  readonly rpc: Rpc;
  /** The caller's items; a loop pulls them as fast as it runs. */
  readonly items: AsyncIterable<Items>;
  /** Ends the call with an error that the method declares. */
  fail<Code extends keyof Errors & string>(code: Code, data: Errors[Code]): never;
}

/** A call as middleware sees it: of any method. */
export type AnyCall<Context = unknown> = Call<Context, unknown, Readonly<Record<string, unknown>>>;

/**
 * Runs around the handler: `next` runs it, once, and resolves with its output after the last item. What middleware returns is the
 * output of the call.
 */
export type Middleware<Context = unknown> = (call: AnyCall<Context>, next: () => Promise<unknown>) => Promise<unknown>;

/** One function for each method of a contract, with namespaces as nested objects. */
export type Handlers<C, Context> = {
  readonly [K in keyof C]: C[K] extends Method<infer T>
    ? Handler<T, Context>
    : C[K] extends Contract
      ? Handlers<C[K], Context>
      : never;
};

/** A handler of a method that gives items is an async generator; its items are pulled as fast as the caller reads. */
export type Handler<T extends MethodTypes, Context> = [T["handlerGives"]] extends [never]
  ? (
      input: T["handlerInput"],
      call: Call<Context, T["handlerTakes"], T["errors"]>,
    ) => T["handlerOutput"] | Promise<T["handlerOutput"]>
  : (
      input: T["handlerInput"],
      call: Call<Context, T["handlerTakes"], T["errors"]>,
    ) => AsyncGenerator<T["handlerGives"], T["handlerOutput"], undefined>;

export interface ServeOptions<Context = undefined> {
  /** Makes the `context` of each call. */
  readonly context?: (caller: Caller) => Context | Promise<Context>;
  /** Runs around each handler, the first one outermost. */
  readonly use?: readonly Middleware<Context>[];
  /** Whether the caller gets the message of an unexpected exception. @default false: only the log has it */
  readonly exposeErrors?: boolean;
  /**
   * Whether `ipc.describe` lists these methods, with their schemas, for every caller: middleware does not run for it.
   * @default true, with `use` false
   */
  readonly describe?: boolean;
}

/** Figures of the calls over one peer. */
export interface RpcStats {
  /** Calls of this side that have not settled. */
  readonly calls: number;
  /** Calls of the other side whose handlers run, those whose callers have left among them. */
  readonly handling: number;
  /** Unread items of all streams, in bytes. */
  readonly unreadBytes: number;
  /** Frames that were malformed, had no call, or broke a limit of calls without an answer. */
  readonly droppedFrames: number;
  /** Messages of other types that no `onMessage` took. */
  readonly droppedMessages: number;
}

/** Calls over one peer. */
export interface Rpc {
  /** Returns the methods of the other side. @throws TypeError */
  remote<C extends Contract>(contract: C): Remote<C>;
  /**
   * The same without the contract's code: its methods are not known at run time. Each call is a promise and an async iterable; its
   * default deadline begins when it is awaited. A name of more than 255 bytes throws a TypeError.
   */
  remote<C extends Contract>(): Remote<C>;
  /**
   * Ends the calls in an orderly way: new ones are refused on both sides, open ones have `timeoutMs` to finish, or less if a later
   * `close` allows less. The peer stays open.
   * @param options `timeoutMs`: 0 … 2 147 483 647, default 5 000
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
  readonly stats: RpcStats;
}
