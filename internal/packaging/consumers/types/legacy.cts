// The part of a project that is CommonJS still.
import { type Client, startClient } from "@ipc/client";

export function start(name: string): Promise<Client> {
  return startClient({ name });
}

export function stop(client: Client): Promise<void> {
  return client.close();
}
