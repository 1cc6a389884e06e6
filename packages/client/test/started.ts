import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { TOO_MUCH } from "../../../internal/testkit/src/peer-states.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "../src/client.js";
import type { ClientOptions } from "../src/client-options.js";

const name = "orders";

export interface Started {
  readonly client: Client;
  /** The server's end of its connection, which says what it is told to. */
  readonly server: RawPeer;
  readonly far: FarServer;
}

/** A client without encryption that has read its Connected, and does not dial again before long. */
export async function start(options: Partial<ClientOptions> = {}): Promise<Started> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, encryption: false, retryMs: 1_000_000, ...options });
  const server = new RawPeer(await far.next());
  await server.serve(TOO_MUCH.length);
  const client = untilTestEnds(await starting);
  await readUntil(client, "Connected");
  return { client, server, far };
}

/** It has written more than its server takes, which does not read. */
export async function startAndStall(): Promise<Started> {
  const started = await start();
  started.server.stream.pause();
  void started.client.write(1, TOO_MUCH);
  return started;
}
