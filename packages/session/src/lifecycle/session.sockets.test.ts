import type { Duplex } from "node:stream";
import { unixSocket } from "@ipc/transport";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { openSession, type Session } from "./session.js";

/** A secure session over a Unix socket: its client with the client's stream, and its server. */
async function openOverSocket(): Promise<{ client: Session; stream: Duplex; server: Session }> {
  const transport = unixSocket({ directory: temporaryDirectory() });
  let accept: (stream: Duplex) => void = () => {};
  const accepted = new Promise<Duplex>((resolve) => {
    accept = resolve;
  });
  const listener = await transport.listen("orders", { kind: "name" }, (each) => accept(each), {});
  untilTestEnds({ destroy: () => void listener.close() });
  const stream = await transport.dial("orders", { kind: "name" }, {});
  const opening = [openSession(stream, { role: "client" }), openSession(await accepted, { role: "server" })] as const;
  const [client, server] = await Promise.all(opening);
  untilTestEnds(client);
  untilTestEnds(server);
  return { client, stream, server };
}

it("a session over a socket ends with IPC_CONNECTION_LOST when its encoding is set before a large message", async () => {
  const { client, stream, server } = await openOverSocket();
  const lost = new Promise<Error>((resolve) => client.on("lost", resolve));
  stream.setEncoding("latin1");
  void server.write(1, new Uint8Array(1_000_000));
  expect(await lost).toMatchObject({
    code: "IPC_CONNECTION_LOST",
    message: expect.stringContaining("the stream emitted a string, not bytes; do not call `setEncoding` on it"),
  });
});

it.each(["once", "prependOnceListener"] as const)(
  "a chunk stays whole that a session's socket has also given to a listener of `%s`",
  async (add) => {
    const { client, stream, server } = await openOverSocket();
    const chunks: Buffer[] = [];
    stream[add]("data", (chunk: Buffer) => chunks.push(chunk));
    void server.write(1, new Uint8Array(1_000_000));
    await new Promise((resolve) => client.on("message", resolve));
    expect(chunks.map(({ length }) => length > 0)).toEqual([true]);
  },
);
