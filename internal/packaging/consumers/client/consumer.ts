// What a user of the client writes; compiled against the packed packages.
import { type Client, type DataMessage, startClient } from "@ipc/client";

export async function greet(name: string): Promise<string> {
  const client: Client = await startClient({ name, timeoutMs: 1_000 });
  client.on("message", (message: DataMessage) => console.log(message.type, message.text()));
  client.on("lost", (error) => console.error(error.code));
  await client.write(1, "hello");
  await client.write(2, new Uint8Array([1, 2, 3]));
  const answer = await client.readTimed(1_000);
  await client.close();
  return answer.kind === "data" ? answer.text() : answer.kind;
}

// @ts-expect-error A name is required.
export const nameless: Promise<Client> = startClient({});
