// Declarations whose types TypeScript infers, and writes into the user's own .d.ts: it must be able to name them.
import { isIpcError, memory, startClient, tcp, timeoutMessage, unixSocket } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";

export const functions = {
  isIpcError,
  memory,
  startClient,
  startServer,
  startServerManager,
  tcp,
  timeoutMessage,
  unixSocket,
};

export async function ofClient(name: string) {
  const client = await startClient({ name });
  const { on, once, off, read, readTimed, write, writeMessage, flush, close, destroy, pause, ref } = client;
  const { status, statusCode, security, stats, remote, clientId } = client;
  const iterator = client[Symbol.asyncIterator]();
  const messages = [await client.read(), await client.readTimed(1), await client.readTimed(1, "none")];
  return {
    ...{ client, on, once, off, read, readTimed, write, writeMessage, flush, close, destroy, pause, ref },
    ...{ status, statusCode, security, stats, remote, clientId, iterator, messages },
  };
}

export async function ofServer(name: string) {
  const server = await startServer({ name });
  const { on, once, off, address, security, stats } = server;
  return { server, on, once, off, address, security, stats, iterator: server[Symbol.asyncIterator]() };
}

export async function ofManager(name: string) {
  const manager = await startServerManager({ name });
  const { on, once, off, read, readTimed, broadcast, connections, stats, status } = manager;
  const connection = manager.connections.get(1);
  const deliveries = manager[Symbol.asyncIterator]();
  return { manager, on, once, off, read, readTimed, broadcast, connections, stats, status, connection, deliveries };
}

export const ofOptions = {
  client: (options: Parameters<typeof startClient>[0]) => ({ ...options }),
  server: (options: Parameters<typeof startServer>[0]) => ({ ...options }),
  manager: (options: Parameters<typeof startServerManager>[0]) => ({ ...options }),
};

export const ofTransport = async (signal: AbortSignal) => {
  const transport = memory();
  const { listen, dial, address } = transport;
  const stream = await transport.dial("orders", { kind: "name" }, { signal });
  return { listen, dial, address, stream };
};

export class Held {
  readonly client = startClient({ name: "orders" });
  readonly manager = startServerManager({ name: "orders" });
  readonly next = async () => (await this.manager)[Symbol.asyncIterator]().next();
}
