import { clearTimeout, setTimeout } from "node:timers";
import { type Client, type Logger, startClient } from "@ipc/client";
import { formatDuration } from "../duration.js";
import { CommandError, EXIT, UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import type { Output } from "../output/output.js";
import { visible } from "../output/visible-text.js";
import { type Address, openAddress } from "./address.js";
import { securityOf } from "./security.js";

/** How long a command waits for an answer unless `--timeout` says otherwise, in milliseconds. */
export const ANSWER_MS = 5_000;
/** How long a close may take, in milliseconds: when messages must arrive, and when the work is done and the user waits. */
const [CLOSE_MS, STOP_MS] = [60_000, 500];
/** The steps of one attempt: a dial and a handshake; those to request an id, too, with --multi-client. */
const [STEPS, STEPS_WITH_ID] = [2, 4];

/** Returns the name that a command is given. */
export function nameOf({ args }: Pick<Invocation<unknown>, "args">): string {
  const [name] = args;
  if (name === undefined) throw new UsageError("the name of the server is missing");
  return name;
}

/**
 * Runs a command's work with a client, and closes what it needs afterwards.
 * @param mustArrive whether what the work has sent last is part of it: then a close that fails is its failure, and takes as long as the
 * server needs to read everything
 */
export async function withClient<T>(
  invocation: Invocation<ClientOptions>,
  work: (client: Client) => Promise<T>,
  mustArrive = false,
): Promise<T> {
  const { options, signal } = invocation;
  const address = await openAddress(options);
  try {
    const client = await connectAt(address, invocation);
    const stop = (): void => client.destroy();
    let result: T;
    try {
      result = await work(client);
      signal.addEventListener("abort", stop);
      if (mustArrive && !signal.aborted) await client.close({ timeoutMs: CLOSE_MS });
    } finally {
      signal.removeEventListener("abort", stop);
      // The server may be gone, and the work is done, or has failed and says why.
      await client.close({ timeoutMs: STOP_MS }).catch(() => {});
    }
    return result;
  } finally {
    await address.release();
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
  // A server that takes a connection and does not serve it, as golang-ipc's manager may, is dialled again.
  const handshakeTimeoutMs = Math.min(timeout ?? ANSWER_MS, ANSWER_MS);
  // A single attempt has no limit of its own: the kernel decides how long a dial to a silent host takes.
  const limit = handshakeTimeoutMs * (multiClient ? STEPS_WITH_ID : STEPS);
  let isLate = false;
  const onLate = (): void => {
    isLate = true;
    start.abort();
  };
  const timer = once ? setTimeout(onLate, limit) : undefined;
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
      handshakeTimeoutMs,
      logger: loggerOf(output),
      // The client stays when the signal comes, so that the command can close it.
      signal: start.signal,
    });
  } catch (error) {
    if (!isLate) throw error;
    const what = `no connection to ${nameOf({ args })} within ${formatDuration(limit)}`;
    throw new CommandError(EXIT.timeout, `${what}; check the address, or give it more time with --timeout`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** Returns a logger for `--verbose`: what the library logs may quote a peer. */
export function loggerOf(output: Output): Logger {
  const detail = (text: string): void => output.detail(visible(text));
  return { debug: detail, info: detail, warn: detail, error: detail };
}
