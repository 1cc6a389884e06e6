import { formatValue, isError } from "../format-value.js";
import { TIMER_MAX_MS } from "../limits.js";
import { isIterable } from "../streams/item-sender.js";
import { encodeMeta, type Meta } from "../wire/meta.js";

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call: it rejects with IPC_ABORTED at once, and the handler's signal fires. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Deadline of the call in milliseconds, 0 … 2 147 483 647; 0: none. A call made by a handler ends with that handler's own
   * deadline at the latest.
   * @default 30_000; none for a method that gives or takes items
   */
  readonly timeoutMs?: number | undefined;
  /** Strings for the handler, at most 4 096 bytes as JSON. */
  readonly meta?: Meta | undefined;
  /** Whether the call, before its first item, may be repeated on the next connection. @default what the contract says */
  readonly idempotent?: boolean | undefined;
  readonly oneWay?: false | undefined;
}

/** Options of a call of a method that takes items. */
export interface ItemCallOptions<Item> extends CallOptions {
  /** Items for the handler, pulled only as fast as it reads them. */
  readonly items: Iterable<Item> | AsyncIterable<Item>;
}

/** Options of a call without an answer. */
export interface OneWayOptions {
  /** Resolves when the peer has accepted the call, and nothing reports what became of it. */
  readonly oneWay: true;
  readonly meta?: Meta | undefined;
}

/** Options of any call, unchecked. */
export interface AnyCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly meta?: Meta | undefined;
  readonly items?: Iterable<unknown> | AsyncIterable<unknown> | undefined;
  readonly idempotent?: boolean | undefined;
  readonly oneWay?: boolean | undefined;
}

export const NO_OPTIONS: AnyCallOptions = Object.freeze({});

const KNOWN: ReadonlySet<string> = new Set(["signal", "timeoutMs", "meta", "items", "idempotent", "oneWay"]);

/** Validates the options of a call. @throws TypeError, RangeError that name the method */
export function assertCallOptions(method: string, options: unknown): asserts options is AnyCallOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${method}: takes an object of options, got ${formatValue(options)}`);
  }
  const wrong = (key: string, takes: string, value: unknown): never => {
    throw new TypeError(`${method}: \`${key}\` takes ${takes}, got ${formatValue(value)}`);
  };
  for (const key of Object.keys(options)) {
    if (KNOWN.has(key)) continue;
    throw new TypeError(`${method}: unknown option \`${key}\`; known options: ${[...KNOWN].join(", ")}`);
  }
  const { signal, timeoutMs, items, idempotent, oneWay, meta } = options as Record<keyof AnyCallOptions, unknown>;
  if (signal !== undefined && !isAbortSignal(signal)) wrong("signal", "an AbortSignal", signal);
  if (idempotent !== undefined && typeof idempotent !== "boolean") wrong("idempotent", "true or false", idempotent);
  if (oneWay !== undefined && typeof oneWay !== "boolean") wrong("oneWay", "true or false", oneWay);
  if (meta !== undefined && (typeof meta !== "object" || meta === null)) wrong("meta", "an object of strings", meta);
  if (items !== undefined && !isIterable(items)) wrong("items", "an iterable or async iterable", items);
  if (oneWay === true && (signal ?? timeoutMs ?? items ?? idempotent) !== undefined) {
    throw new TypeError(`${method}: \`oneWay\` can be combined with \`meta\` only, because there is no answer`);
  }
  if (timeoutMs === undefined) return;
  const takes = `milliseconds, 0 … ${TIMER_MAX_MS}`;
  if (typeof timeoutMs !== "number") wrong("timeoutMs", takes, timeoutMs);
  else if (!(timeoutMs >= 0 && timeoutMs <= TIMER_MAX_MS)) {
    throw new RangeError(`${method}: \`timeoutMs\` takes ${takes}, got ${timeoutMs}`);
  }
}

/** Encodes the option `meta`. @throws TypeError, RangeError that name the method */
export function encodeCallMeta(method: string, meta: Meta | undefined): Uint8Array | undefined {
  if (meta === undefined) return undefined;
  try {
    return encodeMeta(meta);
  } catch (error) {
    const Kind = isError(error) && error.name === "RangeError" ? RangeError : TypeError;
    throw new Kind(`${method}: ${(error as Error).message}`);
  }
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;
}
