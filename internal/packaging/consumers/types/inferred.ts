// Declarations whose types TypeScript infers, and writes into the user's own .d.ts: it must be able to name them.
import { isIpcError, memory, startClient, tcp, timeoutMessage, unixSocket } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { failed, method, rpc, serve, stream } from "@ipc/rpc";
import { jsonRpcOver } from "@ipc/rpc/json-rpc";
import { startServer } from "@ipc/server";
import { nats } from "@ipc/transport-nats";

export const functions = {
  failed,
  isIpcError,
  jsonRpcOver,
  memory,
  nats,
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

export const contract = {
  get: method<{ id: number }, string, { NOT_FOUND: { id: number } }>({ idempotent: true }),
  watch: stream<void, number, string>(),
  nested: { add: stream<void, never, number, number>() },
};

export async function ofCalls(name: string) {
  const manager = await startServerManager({ name });
  serve(manager, contract, {
    get: ({ id }, call) => (id > 0 ? "order" : call.fail("NOT_FOUND", { id })),
    async *watch() {
      yield 1;
      return "end";
    },
    nested: {
      add: async (_, call) => {
        let sum = 0;
        for await (const item of call.items) sum += item;
        return sum;
      },
    },
  });
  const calls = rpc(await startClient({ name }));
  const api = calls.remote(contract);
  const run = api.watch();
  let last = 0;
  for await (const item of run) last = item;
  const error: unknown = await api.get({ id: 0 }).catch((reason: unknown) => reason);
  const id = failed(error, contract.get) ? error.data.id : undefined;
  return { calls, api, run, last, id, end: await run.result, sum: await api.nested.add(undefined, { items: [last] }) };
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
