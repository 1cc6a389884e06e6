// What a user of the manager writes, in a project that is partly CommonJS: the types of both formats are the same.
import { type ServerManager, startServerManager } from "@ipc/manager";
import { start, stop } from "./legacy.cjs";

export async function answer(name: string): Promise<void> {
  const manager: ServerManager = await start(name);
  for await (const { connection, message } of manager) {
    await connection.write(message.type, message.text());
  }
  await stop(await startServerManager({ name }));
}
