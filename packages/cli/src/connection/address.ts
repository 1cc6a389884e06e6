import type { Transport } from "@ipc/client";
import { UsageError } from "../exit-code.js";
import type { ConnectionOptions } from "../options/shared-options.js";

/** The options of a client or a server that say where a server is. */
export interface Address {
  readonly options: { readonly directory?: string; readonly transport?: Transport };
  /** Frees what the address needs, after the connection has ended. */
  readonly release: () => Promise<void>;
}

const MAX_PORT = 65_535;
const HOST_PORT = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/;

/** Finds out where the server is, and connects to the broker if it is behind one. */
export async function openAddress(options: ConnectionOptions): Promise<Address> {
  const { directory, tcp, nats } = options;
  const given = Object.entries({ "--directory": directory, "--tcp": tcp, "--nats": nats }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (given.length > 1) throw new UsageError(`${given.join(" and ")} exclude each other; give one of them`);
  if (nats !== undefined) {
    const { connectToBroker } = await import("./broker.js");
    return connectToBroker(nats, options);
  }
  if (tcp !== undefined) return { options: { transport: await tcpTransport(tcp) }, release };
  return { options: directory === undefined ? {} : { directory }, release };
}

async function tcpTransport(address: string): Promise<Transport> {
  const [, bracketed, bare, digits] = HOST_PORT.exec(address) ?? [];
  const [host, port] = [bracketed ?? bare, Number(digits)];
  if (host === undefined || port > MAX_PORT) {
    throw new UsageError(`--tcp takes HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000, got ${JSON.stringify(address)}`);
  }
  const { tcp } = await import("@ipc/transport");
  return tcp({ host, port });
}

async function release(): Promise<void> {}
