import { types } from "node:util";
import { TransportError } from "@ipc/transport";
import { nats } from "@ipc/transport-nats";
import { UsageError } from "../exit-code.js";
import type { ConnectionOptions } from "../options/shared-options.js";
import { withoutSecrets } from "./security-text.js";

/** The package `@nats-io/transport-node`, which users of a broker install beside this package. */
type NatsPackage = typeof import("@nats-io/transport-node");

/**
 * Connects to a NATS broker. Without keys the peers are anonymous, which a tool for debugging allows; the servers decide.
 * @throws UsageError without nats.js; TransportError `IPC_TRANSPORT_FAILED` without a broker, `IPC_PERMISSION_DENIED` when it rejects the user
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
    const shown = withoutSecrets(url);
    const { name, message } = types.isNativeError(error) ? error : { name: "", message: String(error) };
    const reason = message.replaceAll(url, shown);
    if (name === "AuthorizationError") {
      throw new TransportError(
        "IPC_PERMISSION_DENIED",
        `the broker at ${shown} rejects this user: ${reason}; check the user and the password in --nats`,
      );
    }
    throw new TransportError(
      "IPC_TRANSPORT_FAILED",
      `cannot connect to the broker at ${shown}: ${reason}; check --nats`,
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
