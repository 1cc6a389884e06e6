import { executedOf, type ReservedCode } from "../call-failed.js";
import { type StandardSchema, wireIssues } from "../contract/standard-schema.js";
import { isError, isPromise, messageOf } from "../format-value.js";
import { type Executed, ipcCodeOf, type RpcError } from "../rpc-error.js";
import { encodeFrame, type Frame, KIND } from "../wire/frame.js";
import { decodeValue, encodeValue } from "../wire/payload.js";

/** Thrown to end a handled call with an error that its caller gets. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly code: string;
  readonly data: unknown;

  constructor(code: string, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** The code of what the contract's schemas refuse of a handler: its log has the issues, which are none of the caller's. */
export const BAD_OUTPUT = "ipc.bad-output";

/** Returns whether an exception says no more than that its call was ended, or reports an error that the method declares. */
export function followsFrom(error: unknown, reason: RpcError): boolean {
  if (error === reason || (error instanceof Failure && error.code !== BAD_OUTPUT)) return true;
  if (isError(error) && (error.cause === reason || error.name === "AbortError")) return true;
  return ipcCodeOf(error) === reason.code;
}

/** The content of an ERROR frame. */
export interface FailureParts {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
  /** Whether the method has run; it is sent only where `code` says something else. */
  readonly executed: Executed;
}

/** Encodes an ERROR frame. @throws TypeError if `data` cannot be sent */
export function encodeFailure(id: number, { code, message, data, executed }: FailureParts): Buffer {
  const said = executed === executedOf(code) ? undefined : executed;
  const payload = encodeValue({ message, data, executed: said });
  return encodeFrame({ kind: KIND.error, id, name: Buffer.from(code), payload });
}

/**
 * Validates a value, without a promise where the schema needs none.
 * @param what is named in the error
 * @throws Failure with `code` and the issues
 */
export function validate(
  schema: StandardSchema,
  value: unknown,
  code: ReservedCode,
  what: string,
): unknown | Promise<unknown> {
  return chain(schema["~standard"].validate(value), (result) => checkedValue(result, code, what));
}

function checkedValue(
  result: Awaited<ReturnType<StandardSchema["~standard"]["validate"]>>,
  code: ReservedCode,
  what: string,
): unknown {
  if (result.issues === undefined) return result.value;
  const issues = wireIssues(result.issues);
  const [first] = issues;
  const where = first === undefined || first.path === "" ? "" : ` at \`${first.path}\``;
  throw new Failure(code, `${what}: ${first?.message ?? "invalid"}${where}; ${issues.length} issues`, { issues });
}

/** Goes on with a value, at once unless it is a promise. */
export function chain<T>(value: T | Promise<T>, next: (value: T) => unknown): unknown {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Decodes the input of a call. @throws Failure `ipc.codec` */
export function decodeInput({ codec, data, payloadAt }: Frame): unknown {
  try {
    return decodeValue(codec, data, payloadAt);
  } catch (error) {
    throw new Failure("ipc.codec", `the input cannot be decoded: ${messageOf(error)}`);
  }
}
