import { join } from "node:path";
import { type Client, type ClientOptions, type IpcError, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type ServerOptions, startServer } from "@ipc/server";
import { expect } from "vitest";
import { collect, readData } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

/** What upstream's defects are tried on: the server of one client, and that of many. */
export const KINDS = ["server", "manager"] as const;
export type Kind = (typeof KINDS)[number];

/** Answers well-behaved clients, in a directory of its own, and keeps what became of the others. */
export interface Attacked {
  readonly directory: string;
  /** The socket file. */
  readonly path: string;
  /** Errors of streams that never became a connection. */
  readonly refused: readonly IpcError[];
  /** Connections that failed. */
  readonly lost: readonly IpcError[];
  /** What was delivered, well-meant and not. */
  readonly delivered: readonly string[];
  /** Connects a client that has something echoed, and stays. */
  served(options?: Partial<ClientOptions>): Promise<Client>;
}

export const NAME = "orders";

/** Starts what is going to be attacked; it is gone when the test is over. */
export async function startAttacked(kind: Kind, options: Partial<ServerOptions> = {}): Promise<Attacked> {
  const directory = temporaryDirectory();
  const served = (more: Partial<ClientOptions> = {}): Promise<Client> =>
    connectAndEcho(more.transport === undefined ? { directory, ...more } : more);
  const delivered: string[] = [];
  const common = { directory, path: join(directory, `${NAME}.sock`), served, delivered };
  if (kind === "server") {
    const server = untilTestEnds(await startServer({ name: NAME, directory, ...options }));
    server.on("message", (message) => {
      delivered.push(message.text());
      server.write(message.type, message.data).catch(() => {});
    });
    return { ...common, refused: collect(server, "refused"), lost: collect(server, "lost") };
  }
  const manager = untilTestEnds(await startServerManager({ name: NAME, directory, ...options }));
  manager.on("message", (connection, message) => {
    delivered.push(message.text());
    connection.write(message.type, message.data).catch(() => {});
  });
  const lost: IpcError[] = [];
  manager.on("disconnection", (_connection, error) => void (error && lost.push(error)));
  return { ...common, refused: collect(manager, "refused"), lost };
}

async function connectAndEcho(options: Partial<ClientOptions>): Promise<Client> {
  const client = untilTestEnds(await startClient({ name: NAME, retryMs: 1, timeoutMs: 20_000, ...options }));
  await client.write(1, "hello");
  expect((await readData(client)).text()).toBe("hello");
  return client;
}
