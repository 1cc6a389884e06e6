import { type Session, timeoutMessage } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
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

describe("read", () => {
  it("gives statuses and messages in order, to reads in their order", async () => {
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

  it("that is aborted rejects with the reason as its cause and takes no message with it", async () => {
    const { client, session } = await pair();
    await readUntil(client, "Connected");
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = failureOf(client.read({ signal: controller.signal }));
    const next = client.read();
    controller.abort(reason);
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    await send(session, "a");
    expect(await next).toMatchObject({ kind: "data" });
    expect(await failureOf(client.read({ signal: controller.signal }))).toMatchObject({ code: "IPC_ABORTED" });
  });

  it("gives data as text, as JSON and as bytes", async () => {
    const { client, session } = await pair();
    await session.write(9, JSON.stringify({ price: "5 €" }));
    const message = await readData(client);
    expect(message.json()).toEqual({ price: "5 €" });
    expect(message.text()).toBe('{"price":"5 €"}');
    expect(message).toMatchObject({ type: 9, data: new TextEncoder().encode('{"price":"5 €"}') });
  });

  it("and every other wait reject what is no signal, rather than throw", async () => {
    const { client } = await pair();
    await readUntil(client, "Connected");
    const options = { signal: 5 } as never;
    for (const wait of [() => client.read(options), () => client.readTimed(5, "late", options)]) {
      let promise: Promise<unknown> | undefined;
      expect(() => {
        promise = wait();
      }).not.toThrow();
      expect(await failureOf(promise as Promise<unknown>)).toBeInstanceOf(TypeError);
    }
  });
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
  });

  it("gives what is unread at once, and what comes in time", async () => {
    const { client, session } = await pair();
    expect(await client.readTimed(0)).toMatchObject({ status: "Connecting" });
    expect(await client.readTimed(0)).toMatchObject({ status: "Connected" });
    const waiting = client.readTimed(2_147_483_647);
    await send(session, "a");
    expect(await waiting).toMatchObject({ kind: "data" });
  });

  it("loses and reorders nothing however often its time is over", async () => {
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

  it("is aborted by its signal", async () => {
    const { client } = await pair();
    await readUntil(client, "Connected");
    const controller = new AbortController();
    const waiting = failureOf(client.readTimed(2_147_483_647, timeoutMessage, { signal: controller.signal }));
    controller.abort("enough");
    expect(await waiting).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: "enough" });
  });

  it.each([
    [-1, RangeError],
    [Number.NaN, RangeError],
    [2_147_483_648, RangeError],
    ["5", TypeError],
    [undefined, TypeError],
  ])("rejects %o milliseconds", async (ms, kind) => {
    const { client } = await pair();
    const error = await failureOf(client.readTimed(ms as number));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(`0 … 2147483647, got ${ms === "5" ? '"5"' : String(ms)}`);
  });
});

describe("for await", () => {
  it("gives data only; break closes nothing, and another loop goes on where it was left", async () => {
    const { client, session } = await pair();
    await send(session, "a", "b", "c", "d");
    const seen: string[] = [];
    for await (const message of client) {
      seen.push(message.text());
      if (seen.length === 2) break;
    }
    for await (const message of client) {
      seen.push(message.text());
      break;
    }
    expect(await readData(client).then((message) => message.text())).toBe("d");
    expect(seen).toEqual(["a", "b", "c"]);
    expect(client.status).toBe("Connected");
  });

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

  it("that is returned from while it waits ends that wait, and takes no message with it", async () => {
    const { client, session } = await pair();
    const iterator = client[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await readStatusesAway();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    await send(session, "a");
    expect((await readData(client)).text()).toBe("a");
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});

describe("a 'message' listener", () => {
  it("is given data only, in order, also what came before it", async () => {
    const { client, session } = await pair();
    await send(session, "a", "b");
    const seen = collect(client, "message");
    await send(session, "c");
    await eventually(() => expect(seen.map((message) => message.text())).toEqual(["a", "b", "c"]));
  });

  it("added with once takes one message and leaves the others unread", async () => {
    const { client, session } = await pair();
    await send(session, "a", "b");
    expect((await nextEvent(client, "message")).text()).toBe("a");
    expect((await readData(client)).text()).toBe("b");
  });

  it("that is removed leaves what follows unread", async () => {
    const { client, session } = await pair();
    const seen: string[] = [];
    const listener = (message: { text(): string }): void => {
      seen.push(message.text());
      if (seen.length === 2) client.off("message", listener);
    };
    client.on("message", listener);
    await send(session, "a", "b", "c");
    await eventually(() => expect(client.stats.messagesReceived).toBe(3));
    expect((await readData(client)).text()).toBe("c");
    expect(seen).toEqual(["a", "b"]);
  });

  it("is held back by pause, at once, and gets everything after resume", async () => {
    const { client, session } = await pair();
    const seen: string[] = [];
    client.on("message", (message) => {
      seen.push(message.text());
      if (message.text() === "b") client.pause();
    });
    await send(session, "a", "b", "c", "d");
    await eventually(() => expect(client.stats.messagesReceived).toBe(4));
    expect(seen).toEqual(["a", "b"]);
    client.resume();
    await eventually(() => expect(seen).toEqual(["a", "b", "c", "d"]));
  });

  it("shares each message with every other", async () => {
    const { client, session } = await pair();
    const [one, two] = [collect(client, "message"), collect(client, "message")];
    await send(session, "a");
    await eventually(() => expect([one.length, two.length]).toEqual([1, 1]));
  });
});

describe("messages go one way at a time: IPC_CONSUMER_TAKEN", () => {
  const styles = {
    read: (client: Client) => void client.read().catch(() => {}),
    readTimed: (client: Client) => void client.readTimed(1_000_000).catch(() => {}),
    iteration: (client: Client) =>
      void client[Symbol.asyncIterator]()
        .next()
        .catch(() => {}),
    listener: (client: Client) => void client.on("message", () => {}),
  };
  const later = {
    read: (client: Client) => client.read(),
    readTimed: (client: Client) => client.readTimed(0),
    iteration: (client: Client) => client[Symbol.asyncIterator]().next(),
    listener: async (client: Client) => client.on("message", () => {}),
  };
  it.each([
    ["iteration", "read", "read: messages already go to the iteration"],
    ["iteration", "readTimed", "readTimed: messages already go to the iteration"],
    ["iteration", "iteration", "iteration: messages already go to the iteration"],
    ["iteration", "listener", "listener: messages already go to the iteration"],
    ["listener", "read", "read: messages already go to the listener"],
    ["listener", "readTimed", "readTimed: messages already go to the listener"],
    ["listener", "iteration", "iteration: messages already go to the listener"],
    ["read", "iteration", "iteration: messages already go to a pending read"],
    ["read", "listener", "listener: messages already go to a pending read"],
    ["readTimed", "iteration", "iteration: messages already go to a pending read"],
    ["readTimed", "listener", "listener: messages already go to a pending read"],
  ] as const)("for %s, then %s", async (first, second, message) => {
    const { client } = await pair();
    await readUntil(client, "Connected");
    styles[first](client);
    expect(await failureOf(later[second](client))).toMatchObject({
      code: "IPC_CONSUMER_TAKEN",
      message: expect.stringContaining(message),
    });
  });
});

/** An iteration skips the unread statuses before the next macrotask. */
function readStatusesAway(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
