// The part of a project that is CommonJS still.
import { type ServerManager, startServerManager } from "@ipc/manager";
import { ensureKeyFile, resolveKeyFile } from "@ipc/transport/key-file";

export async function start(name: string): Promise<ServerManager> {
  ensureKeyFile(resolveKeyFile(name, true));
  return startServerManager({ name, security: { keyFile: true } });
}

export function stop(manager: ServerManager): Promise<void> {
  return manager.close();
}
