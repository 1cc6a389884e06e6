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

/** A client of a command, and the end of all that it needs. */
export interface Connection {
  readonly client: Client;
  /** Closes the client, then the connection to the broker. */
  readonly close: () => Promise<void>;
  /** Ends both at once. */
  readonly destroy: () => Promise<void>;
}

/** Returns the name that a command is given. */
export function nameOf({ args }: Pick<Invocation<unknown>, "args">): string {
  const [name] = args;
  if (name === undefined) throw new UsageError("the name of the server is missing");
  return name;
}

/**
 * Connects to the server that a command names. Without `--timeout` one attempt is made, because a server that is not there is the
 * answer; with it, attempts until then.
 */
export async function connect(invocation: Invocation<ClientOptions>): Promise<Connection> {
  const address = await openAddress(invocation.options);
  try {
    return await connectAt(address, invocation);
  } catch (error) {
    await address.release();
    throw error;
  }
}

/** Connects to a server whose address is open, and leaves that open. */
export async function connectAt(
  address: Address,
  { args, options, output, signal }: Invocation<ClientOptions>,
): Promise<Connection> {
  const { timeout, plain, multiClient } = options;
  const security = securityOf(options);
  const client = await startClient({
    name: nameOf({ args }),
    ...address.options,
    ...(security !== undefined && { security }),
    // Without `--plain` the server decides, as it does for every client; a server of golang-ipc may have no encryption.
    ...(plain && { encryption: false }),
    ...(multiClient && { multiClient }),
    ...(timeout === undefined ? { retry: false } : { timeoutMs: timeout }),
    handshakeTimeoutMs: timeout ?? ANSWER_MS,
    logger: loggerOf(output),
    signal,
  });
  return {
    client,
    close: async () => {
      await client.close();
      await address.release();
    },
    destroy: async () => {
      client.destroy();
      await address.release();
    },
  };
}

/** Returns a logger for `--verbose`: what the library logs may quote a peer. */
export function loggerOf(output: Output): Logger {
  const detail = (text: string): void => output.detail(visible(text));
  return { debug: detail, info: detail, warn: detail, error: detail };
}
