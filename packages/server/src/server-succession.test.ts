import type { DataMessage, PeerOptions, Session } from "@ipc/session";
import { tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { collect, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, serve } from "../test/served.js";
import { type Server, startServer } from "./server.js";

const MODES: readonly (readonly [string, PeerOptions])[] = [
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
];

/** Writes questions and closes; resolves when the server knows that. */
async function askAndLeave(server: Server, client: Session, ...questions: readonly string[]): Promise<void> {
  for (const question of questions) await client.write(1, question);
  await client.close();
  await eventually(() => expect(server.status).toBe("Disconnected"));
}

/** Lets a loop answer the messages one after the other, from the call of the returned function on. */
function answerEach(server: Server, answer: (message: DataMessage) => unknown): () => void {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const loop = async (): Promise<void> => {
    for await (const message of server) {
      await begun;
      await answer(message);
    }
  };
  // It ends with the server.
  loop().catch(() => {});
  return begin;
}

describe.each(MODES)(
  "client A asks three questions and leaves; client B, over a connection that is %s,",
  (_mode, options) => {
    it.each<[string, (server: Server, message: DataMessage) => Promise<void>]>([
      ["server.write", (server, message) => server.write(2, `answer to ${message.text()}`)],
      ["message.reply", (_server, message) => message.reply(2, `answer to ${message.text()}`)],
    ])("gets its own answer and none of A's from a loop with %s", async (_how, answer) => {
      const { server, directory } = await serve(options);
      const codes: unknown[] = [];
      const begin = answerEach(server, (message) =>
        answer(server, message).then(
          () => codes.push("sent"),
          ({ code }: { readonly code: string }) => codes.push(code),
        ),
      );
      const a = await openFarClient(directory, name, options);
      await askAndLeave(server, a, "A1", "A2", "A3");
      const b = await openFarClient(directory, name, options);
      await eventually(() => expect(server.status).toBe("Connected"));
      await b.write(1, "B1");
      begin();
      expect((await readData(b)).text()).toBe("answer to B1");
      expect(codes).toEqual([...Array.from({ length: 3 }, () => "IPC_CONNECTION_LOST"), "sent"]);
    });
  },
);

it("server.security and message.security are those of the client whose messages are handled, with a key or without", async () => {
  const psk = new Uint8Array(32).fill(7);
  const { server, directory } = await serve({ security: { psk, require: false } });
  const proofs: boolean[][] = [];
  const begin = answerEach(server, (message) => {
    proofs.push([server.security.peer.psk, message.security.peer.psk]);
  });
  await askAndLeave(server, await openFarClient(directory, name), "without 1", "without 2", "without 3");
  const keyed = await openFarClient(directory, name, { security: { psk } });
  await eventually(() => expect(server.status).toBe("Connected"));
  expect(server.security.peer.psk).toBe(false);
  begin();
  await askAndLeave(server, keyed, "with 1", "with 2");
  await openFarClient(directory, name);
  await eventually(() => expect(proofs).toHaveLength(5));
  expect(proofs).toEqual([...Array.from({ length: 3 }, () => [false, false]), [true, true], [true, true]]);
});

it("logs and emits the addresses of the connections that begin and end while an earlier client's messages are handled", async () => {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const server = untilTestEnds(
    await startServer({
      name,
      transport: tcp({ port: 0 }),
      encryption: false,
      logger: { debug: () => {}, info: log, warn: log, error: log },
    }),
  );
  const transport = tcp({ port: Number(server.address.split(":").at(-1)) });
  const messages: DataMessage[] = [];
  server.on("message", async (message) => {
    messages.push(message);
    await new Promise(() => {});
  });
  const statuses = collect(server, "status");
  const visit = async (): Promise<Session> => openFarClient(transport, name, { encryption: false });
  await askAndLeave(server, await visit(), "question");
  const b = await visit();
  await b.write(1, "question");
  await eventually(() => expect(messages).toHaveLength(2));
  expect(server.remote).toBe(messages[0]?.remote);
  await b.close();
  await eventually(() => expect(statuses.at(-1)).toBe("Disconnected"));
  expect(messages[1]?.remote).not.toBe(messages[0]?.remote);
  expect(lines.slice(1)).toEqual(
    messages.flatMap(({ remote }) => [
      `server ${name}: ${remote} connected (plain: nothing is encrypted)`,
      `server ${name}: ${remote} disconnected`,
    ]),
  );
});

it("a program gets the next client's Connected when it waits for that before it reads again", async () => {
  const { server, directory } = await serve();
  for (const question of ["A1", "B1"]) {
    const client = await openFarClient(directory, name);
    await client.write(1, question);
    expect(await readUntil(server, question)).toContain("Connected");
    await server.write(2, `answer to ${question}`);
    expect(await readUntil(client, `answer to ${question}`)).toEqual(["Connected", `answer to ${question}`]);
    await client.close();
  }
});
