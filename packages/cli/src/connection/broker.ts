import { types } from "node:util";
import { TransportError } from "@ipc/transport";
import { nats } from "@ipc/transport-nats";
import { UsageError } from "../exit-code.js";
import type { ConnectionOptions } from "../options/shared-options.js";

/** What is used of `@nats-io/transport-node`, which users install beside this package if they have a broker. */
type NatsPackage = typeof import("@nats-io/transport-node");

/**
 * Connects to a NATS broker. Without keys the peers are anonymous, which a tool for debugging allows; the servers decide.
 * @throws UsageError without nats.js; TransportError `IPC_TRANSPORT_FAILED` without a broker
 */
export async function connectToBroker(url: string, { timeout }: ConnectionOptions) {
  const { connect } = await loadNats();
  try {
    const limit = timeout === undefined ? {} : { timeout };
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, ...limit });
    return {
      options: { transport: nats(connection, { allowAnonymous: true }) },
      release: () => connection.close(),
    };
  } catch (error) {
    const reason = types.isNativeError(error) ? error.message : String(error);
    throw new TransportError(
      "IPC_TRANSPORT_FAILED",
      `cannot connect to the broker at ${url}: ${reason}; check --nats`,
      {
        cause: error,
      },
    );
  }
}

async function loadNats(): Promise<NatsPackage> {
  try {
    return await import("@nats-io/transport-node");
  } catch (error) {
    throw new UsageError("--nats needs nats.js; install it beside this command: npm i @nats-io/transport-node", {
      cause: error,
    });
  }
}
