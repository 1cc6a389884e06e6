import { type Session, timeoutMessage } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "./client.js";
import type { ClientOptions } from "./client-options.js";

const name = "orders";

interface Pair {
  readonly client: Client;
  readonly session: Session;
  readonly far: FarServer;
}

async function pair(options: Partial<ClientOptions> = {}): Promise<Pair> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, ...options });
  const session = await far.session();
  return { client: untilTestEnds(await starting), session, far };
}

async function send(session: Session, ...texts: string[]): Promise<void> {
  for (const text of texts) await session.write(1, text);
}

it("reads give statuses and messages in order, from the first status on", async () => {
  const { client, session } = await pair();
  const reads = Array.from({ length: 5 }, () => client.read());
  await send(session, "a", "b", "c");
  expect(await Promise.all(reads)).toMatchObject([
    { kind: "status", type: -1, status: "Connecting" },
    { kind: "status", type: -1, status: "Connected" },
    { kind: "data", type: 1, data: Uint8Array.of(0x61) },
    { kind: "data", type: 1 },
    { kind: "data", type: 1, data: Uint8Array.of(0x63) },
  ]);
});

it("reads reject wrong arguments and a second consumer instead of throwing", async () => {
  const { client } = await pair();
  await readUntil(client, "Connected");
  const options = { signal: 5 } as never;
  const taken = { code: "IPC_CONSUMER_TAKEN", message: expect.stringContaining("readTimed: messages already go to") };
  expect(await failureOf(client.read(options))).toBeInstanceOf(TypeError);
  expect(await failureOf(client.readTimed(5, "late", options))).toBeInstanceOf(TypeError);
  expect(await failureOf(client.readTimed(-1))).toMatchObject({ message: expect.stringContaining("got -1") });
  client.on("message", () => {});
  expect(await failureOf(client.readTimed(0))).toMatchObject(taken);
});

describe("readTimed", () => {
  it("gives timeoutMessage itself, or what it was given, when nothing comes", async () => {
    const { client } = await pair();
    await readUntil(client, "Connected");
    expect((await client.readTimed(1)) === timeoutMessage).toBe(true);
    expect(timeoutMessage).toEqual({ kind: "timeout", type: 2 });
    const mine = Symbol("nothing");
    expect(await client.readTimed(1, mine)).toBe(mine);
    expect(await client.readTimed(0, null)).toBe(null);
    expect(await client.readTimed(0, undefined)).toBe(undefined);
  });

  it("loses and reorders nothing however often its time is over (golang-ipc: row 24)", async () => {
    const { client, session } = await pair();
    await readUntil(client, "Connected");
    const wanted = Array.from({ length: 50 }, (_, i) => `${i}`);
    const sending = send(session, ...wanted);
    const got: string[] = [];
    while (got.length < wanted.length) {
      await Promise.all([client.readTimed(0), client.readTimed(0), client.readTimed(1)]).then((messages) => {
        for (const message of messages) if (message.kind === "data") got.push(message.text());
      });
    }
    await sending;
    expect(got).toEqual(wanted);
  });
});

describe("for await", () => {
  it("ends when the client closes, in the loop itself or outside", async () => {
    const { client, session } = await pair();
    await send(session, "a");
    const seen: string[] = [];
    for await (const message of client) {
      seen.push(message.text());
      await client.close();
    }
    expect(seen).toEqual(["a"]);

    const { client: other } = await pair();
    const loop = (async () => {
      for await (const message of other) seen.push(message.text());
    })();
    await other.close();
    await loop;
  });

  it("rejects with IPC_CLOSED, the reason as its cause, when the client is destroyed", async () => {
    const { client } = await pair();
    const reason = new Error("fire");
    const next = failureOf(client[Symbol.asyncIterator]().next());
    await readStatusesAway();
    client.destroy(reason);
    expect(await next).toMatchObject({ code: "IPC_CLOSED", cause: reason });
  });
});

/** An iteration skips the unread statuses before the next macrotask. */
function readStatusesAway(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
