import type { Client } from "@ipc/client";
import { type CallOptions, type CallStream, isCallFailed, type MethodDescription, rpc } from "@ipc/rpc";
import { formatDuration } from "../duration.js";
import { CommandError, EXIT, UsageError } from "../exit-code.js";

/** A method of which only the name is known: its call is a promise and a stream, whatever the method is. */
export type RemoteMethod = (
  input: unknown,
  options: CallOptions & { readonly items?: AsyncIterable<unknown> },
) => CallStream<unknown, unknown>;
/** A call without an answer. */
type OneWayMethod = (
  input: unknown,
  options: { readonly oneWay: true; readonly meta: Readonly<Record<string, string>> },
) => Promise<void>;

interface Namespace {
  readonly [name: string]: Namespace & RemoteMethod & OneWayMethod;
}

/** Finds a method by its name, `orders.get`. @throws UsageError */
export function remoteMethod(client: Client, name: string): RemoteMethod & OneWayMethod {
  const remote = rpc(client, { onMessage: () => {} }).remote() as unknown as Namespace;
  const [first = "", ...path] = name.split(".");
  let method = remote[first];
  for (const part of path) method = method?.[part];
  if (name.split(".").includes("") || typeof method !== "function") {
    throw new UsageError(`METHOD takes a name such as get or orders.get, got ${JSON.stringify(name)}`);
  }
  return method;
}

/** Asks a server what it serves. */
export async function describeMethods(
  client: Client,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<MethodDescription[]> {
  const answer = await remoteMethod(client, "ipc.describe")(undefined, { signal, timeoutMs });
  if (!Array.isArray(answer))
    throw new CommandError(EXIT.failed, "ipc.describe has not answered with a list of methods");
  return answer.filter(isDescription);
}

/** Returns the failure of a call as the command reports it: what the other side has answered, and whether the method has run. */
export function callFailure(error: unknown): unknown {
  if (!isCallFailed(error)) return error;
  const { code, message, data, executed } = error;
  const more = data === undefined ? "" : `, data ${JSON.stringify(data)}`;
  const exitCode = code === "ipc.deadline" ? EXIT.timeout : EXIT.failed;
  return new CommandError(exitCode, `${message}${more}; executed: ${executed}`, { cause: error });
}

/** The error of a call that was not answered in time. */
export function noAnswer(method: string, ms: number): CommandError {
  const limit = formatDuration(ms);
  return new CommandError(
    EXIT.timeout,
    `${method}: no answer and no item within ${limit}; --timeout sets another time`,
  );
}

/** Checks a server's description of its methods before it is used. */
function isDescription(value: unknown): value is MethodDescription {
  const { name, kind } = (value ?? {}) as Partial<MethodDescription>;
  return typeof name === "string" && (kind === "unary" || kind === "stream");
}
