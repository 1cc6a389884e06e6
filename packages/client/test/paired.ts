import type { PeerOptions, Session } from "@ipc/session";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "../src/client.js";
import type { ClientOptions } from "../src/client-options.js";

export const name = "orders";

export interface Pair {
  readonly client: Client;
  /** The server's end of its connection. */
  readonly session: Session;
  readonly far: FarServer;
}

/** A client that dials again at once, connected to a server that the test plays. */
export async function pair(options: Partial<ClientOptions> = {}, ofServer: PeerOptions = {}): Promise<Pair> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, retryMs: 1, ...options });
  const session = await far.session(ofServer);
  return { client: untilTestEnds(await starting), session, far };
}
