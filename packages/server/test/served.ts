import type { PeerOptions } from "@ipc/session";
import { expect } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Server, startServer } from "../src/server.js";
import type { ServerOptions } from "../src/server-options.js";

export const name = "orders";

export interface Served {
  readonly server: Server;
  readonly directory: string;
}

/** A server in a directory of its own. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Served> {
  const directory = temporaryDirectory();
  return { directory, server: untilTestEnds(await startServer({ name, directory, ...options })) };
}

/** Connects a client with these options, proves that it is served, and closes it. */
export async function expectService({ server, directory }: Served, options: PeerOptions = {}): Promise<void> {
  const client = await openFarClient(directory, name, options);
  await readUntil(server, "Connected");
  await client.write(1, "hello");
  expect((await readData(server)).text()).toBe("hello");
  await client.close();
  await readUntil(server, "Disconnected");
}
