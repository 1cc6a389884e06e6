import { once } from "node:events";
import { linkSync } from "node:fs";
import { createServer } from "node:net";

/** Leaves at this path what a killed server leaves. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}~`);
  await once(server, "listening");
  linkSync(`${path}~`, path);
  const closed = once(server, "close");
  server.close();
  await closed;
}
