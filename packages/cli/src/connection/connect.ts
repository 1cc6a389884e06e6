import { type Client, type Logger, startClient } from "@ipc/client";
import { UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import type { Output } from "../output/output.js";
import { visible } from "../output/visible-text.js";
import { type Address, openAddress } from "./address.js";
import { securityOf } from "./security.js";

/** How long a command waits for an answer unless `--timeout` says otherwise, in milliseconds. */
export const ANSWER_MS = 5_000;
/** How long a close may take, in milliseconds; after SIGINT the user waits. */
const [CLOSE_MS, STOP_MS] = [60_000, 500];

/** Returns the name that a command is given. */
export function nameOf({ args }: Pick<Invocation<unknown>, "args">): string {
  const [name] = args;
  if (name === undefined) throw new UsageError("the name of the server is missing");
  return name;
}

/** Runs a command's work with a client, and closes what it needs afterwards. */
export async function withClient<T>(
  invocation: Invocation<ClientOptions>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const address = await openAddress(invocation.options);
  try {
    const client = await connectAt(address, invocation);
    let result: T;
    try {
      result = await work(client);
    } catch (error) {
      // The peer may be gone, and the error says more.
      await client.close({ timeoutMs: STOP_MS }).catch(() => {});
      throw error;
    }
    await closeWhole(client, invocation.signal);
    return result;
  } finally {
    await address.release();
  }
}

/**
 * Closes a client when the server has all, however slow it is; the signal makes it short.
 * @throws IPC_CLOSE_INCOMPLETE when messages may not have arrived
 */
async function closeWhole(client: Client, signal: AbortSignal): Promise<void> {
  const stop = (): void => client.destroy();
  signal.addEventListener("abort", stop);
  try {
    await client.close({ timeoutMs: signal.aborted ? STOP_MS : CLOSE_MS });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Connects to the server that a command names, at an address that stays open. Without `--timeout` one attempt is made, because a server
 * that is not there is the answer; with it, attempts until then, unless `once`.
 */
export async function connectAt(
  address: Address,
  { args, options, output, signal }: Invocation<ClientOptions>,
  { once = options.timeout === undefined } = {},
): Promise<Client> {
  const { timeout, plain, multiClient } = options;
  const security = securityOf(options);
  const start = new AbortController();
  const abort = (): void => start.abort();
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await startClient({
      name: nameOf({ args }),
      ...address.options,
      ...(security !== undefined && { security }),
      // Without `--plain` a server that has no encryption is refused, as by every client.
      ...(plain && { encryption: false }),
      ...(multiClient && { multiClient }),
      ...(once ? { retry: false } : { timeoutMs: timeout ?? ANSWER_MS }),
      handshakeTimeoutMs: timeout ?? ANSWER_MS,
      logger: loggerOf(output),
      // The client stays when the signal comes, so that the command can close it.
      signal: start.signal,
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Returns a logger for `--verbose`: what the library logs may quote a peer. */
export function loggerOf(output: Output): Logger {
  const detail = (text: string): void => output.detail(visible(text));
  return { debug: detail, info: detail, warn: detail, error: detail };
}
