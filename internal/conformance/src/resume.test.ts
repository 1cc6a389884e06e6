import { setImmediate as nextTurn } from "node:timers/promises";
import { type Client, type Peer, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { CutSockets } from "../../testkit/src/cut-sockets.js";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { readData } from "../../testkit/src/peer-watch.js";
import { keepWarnings } from "../../testkit/src/process-warnings.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

interface Pair {
  readonly client: Client;
  readonly server: Server;
  readonly transport: CutTransport;
}

async function startPair(resume: object | true = true, options: object = {}): Promise<Pair> {
  const transport = new CutTransport();
  const server = untilTestEnds(await startServer({ name, transport, resume, ...options }));
  const client = untilTestEnds(await startClient({ name, transport, resume, retryMs: 1, ...options }));
  await eventually(() => expect(server.status).toBe("Connected"));
  return { client, server, transport };
}

function collect(peer: Peer): string[] {
  const texts: string[] = [];
  peer.on("message", (message) => void texts.push(message.text()));
  return texts;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_each, index) => String(from + index));

async function writeAll(peer: Peer, texts: readonly string[]): Promise<void> {
  for (const text of texts) await peer.write(1, text);
}

describe("a session that both sides can resume", () => {
  it("says so in `security`", async () => {
    const { client, server } = await startPair();
    expect(client.security).toEqual({ mode: "secure", peer: { psk: false }, resumable: true });
    expect(server.security.resumable).toBe(true);
  });

  it("goes on over the next connection, in both directions, and loses nothing that is on the way", async () => {
    const { client, server, transport } = await startPair();
    const [atClient, atServer] = [collect(client), collect(server)];
    for (let round = 0; round < 5; round++) {
      const texts = numbers(round * 100, round * 100 + 99);
      const written = Promise.all([writeAll(client, texts), writeAll(server, texts)]);
      if (round % 2 === 0) await nextTurn();
      transport.cut();
      await written;
      await eventually(() => expect(client.stats.resumes).toBe(round + 1));
    }
    await eventually(() => expect([atClient.length, atServer.length]).toEqual([500, 500]));
    expect(atServer).toEqual(numbers(0, 499));
    expect(atClient).toEqual(numbers(0, 499));
    expect(client.stats).toMatchObject({ reconnects: 0, resumes: 5 });
  });

  it("reports Reconnecting, Connected and `resumed`, and no `lost`, on both sides", async () => {
    const { client, server, transport } = await startPair();
    const seen: string[] = [];
    const sides: readonly (readonly [string, Peer])[] = [
      ["client", client as Peer],
      ["server", server as Peer],
    ];
    for (const [side, peer] of sides) {
      peer.on("status", (status) => seen.push(`${side}: ${status}`));
      peer.on("resumed", ({ sentAgain }) => seen.push(`${side}: resumed ${sentAgain}`));
      peer.on("lost", () => seen.push(`${side}: lost`));
    }
    transport.cut();
    await eventually(() => expect(seen).toHaveLength(6));
    expect(seen.filter((each) => each.startsWith("client"))).toEqual([
      "client: Reconnecting",
      "client: Connected",
      "client: resumed 0",
    ]);
    expect(seen.filter((each) => each.startsWith("server"))).toEqual([
      "server: Reconnecting",
      "server: Connected",
      "server: resumed 0",
    ]);
  });

  it("goes on when only the client has noticed the cut, and discards what the old connection still brings", async () => {
    const { client, server, transport } = await startPair();
    const [atClient, atServer] = [collect(client), collect(server)];
    for (let round = 1; round <= 3; round++) {
      await Promise.all([client.write(1, `c${round}`), server.write(1, `s${round}`)]);
      transport.halfOpen();
      await eventually(() => expect([client.stats.resumes, server.stats.resumes]).toEqual([round, round]));
    }
    await eventually(() =>
      expect([atServer, atClient]).toEqual([
        ["c1", "c2", "c3"],
        ["s1", "s2", "s3"],
      ]),
    );
  });

  it("goes on when the network hangs for longer than `idleTimeoutMs`", async () => {
    const { client, server, transport } = await startPair(true, { heartbeatMs: 20, idleTimeoutMs: 200 });
    const [atClient, atServer] = [collect(client as Peer), collect(server as Peer)];
    transport.freeze();
    await writeAll(client as Peer, ["c1", "c2"]);
    await writeAll(server as Peer, ["s1", "s2"]);
    await eventually(() =>
      expect([atServer, atClient]).toEqual([
        ["c1", "c2"],
        ["s1", "s2"],
      ]),
    );
    expect(client.stats.resumes).toBeGreaterThan(0);
  });

  it("takes writes while there is no connection", async () => {
    const { client, server, transport } = await startPair();
    const atServer = collect(server);
    transport.cut();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    await writeAll(client, ["a", "b"]);
    expect(client.stats).toMatchObject({ unacknowledgedMessages: 2, unacknowledgedBytes: 18 });
    await client.flush();
    await eventually(() => expect(atServer).toEqual(["a", "b"]));
    await eventually(() => expect(client.stats).toMatchObject({ unacknowledgedMessages: 0, unacknowledgedBytes: 0 }));
  });

  it("sends an answer to a message of an earlier connection", async () => {
    const { client, server, transport } = await startPair();
    const atClient = collect(client);
    await client.write(1, "question");
    const question = await readData(server);
    transport.cut();
    await eventually(() => expect(client.stats.resumes).toBe(1));
    await question.reply(2, "answer");
    await eventually(() => expect(atClient).toEqual(["answer"]));
  });
});

describe("a session that ends while its client comes back", () => {
  it("is followed by another one when a listener has failed meanwhile", async () => {
    const { client, server, transport } = await startPair();
    const warnings = keepWarnings();
    const lost: unknown[] = [];
    client.on("lost", (error) => lost.push(error));
    let fail = (_error: Error): void => {};
    client.on("message", () => new Promise<void>((_resolve, reject) => (fail = reject)));
    await server.write(1, "a");
    await eventually(() => expect(server.stats.unacknowledgedMessages).toBe(0));
    const { dial } = transport;
    transport.dial = async (...place) => {
      transport.dial = dial;
      fail(new Error("slip"));
      await nextTurn();
      return dial(...place);
    };
    transport.cut();
    await eventually(() => expect(client.stats.reconnects).toBe(1));
    expect(lost).toMatchObject([{ code: "IPC_SESSION_LOST" }]);
    const atServer = collect(server);
    await client.write(1, "b", { until: "taken" });
    expect([client.status, client.stats.resumes, atServer]).toEqual(["Connected", 0, ["b"]]);
    expect(warnings).toMatchObject([[expect.stringContaining("slip"), { code: "IPC_LISTENER_FAILED" }]]);
  });

  it("reports no connection to a client that was destroyed in a listener of `lost`", async () => {
    const { client, server, transport } = await startPair();
    const seen: string[] = [];
    client.on("status", (status) => void seen.push(status));
    client.on("lost", () => client.destroy());
    server.destroy();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    untilTestEnds(await startServer({ name, transport, resume: true }));
    await eventually(() => expect(client.status).toBe("Closed"));
    expect(seen).toEqual(["Reconnecting", "Closed"]);
  });

  it("reports `resumed` to no client that was closed in a listener of its status", async () => {
    const { client, transport } = await startPair();
    let resumed = 0;
    client.on("resumed", () => void resumed++);
    client.on("status", (status) => (status === "Connected" ? void client.close() : undefined));
    transport.cut();
    await eventually(() => expect(client.status).toBe("Closed"));
    expect(resumed).toBe(0);
  });
});

describe("a session whose two sides write more than they keep", () => {
  const resume = { bufferBytes: 65_536 };
  const data = new Uint8Array(8_192);

  /** The client writes everything before it reads anything, while the server answers with as much. */
  async function writeBoth(
    { client, server }: Pair,
    count: number,
    data: Uint8Array,
    onWritten?: (each: number) => void,
  ) {
    let requests = 0;
    server.on("message", () => void requests++);
    const answers = (async () => {
      for (let each = 0; each < count; each++) await server.write(2, data);
    })();
    for (let each = 0; each < count; each++) {
      await client.write(1, data);
      onWritten?.(each);
    }
    let received = 0;
    client.on("message", () => void received++);
    await answers;
    await eventually(() => expect([requests, received]).toEqual([count, count]));
  }

  it("does not stand still while each side writes 64 MiB over a socket, with the default limits", async () => {
    await writeBoth(await startPair(true, { transport: new CutSockets() }), 512, new Uint8Array(131_072));
  });

  it.each([false, true])(
    "does not stand still while each side writes 4 MiB with small limits, with cuts: %s",
    async (isCut) => {
      const pair = await startPair(resume, { maxUnreadBytes: 16_384, maxQueuedBytes: 16_384 });
      await writeBoth(pair, 512, data, (each) => {
        if (isCut && each % 100 === 50) pair.transport.cut();
      });
    },
  );

  it("keeps no more than its limit and one message while the other side reads nothing, and then everything arrives", async () => {
    const { client, server } = await startPair(resume, { maxUnreadBytes: 16_384 });
    let most = 0;
    const written = (async () => {
      for (let each = 0; each < 256; each++) {
        await client.write(1, data);
        most = Math.max(most, client.stats.unacknowledgedBytes);
      }
    })();
    await eventually(() => expect(client.stats.unacknowledgedBytes).toBeGreaterThan(57_000));
    const atServer = collect(server);
    await written;
    await eventually(() => expect(atServer).toHaveLength(256));
    expect(most).toBeLessThanOrEqual(65_536 + 8_200);
  });
});

describe("until: taken", () => {
  it("resolves when the listener of the other side is done", async () => {
    const { client, server } = await startPair();
    let release = (): void => {};
    server.on("message", () => new Promise<void>((resolve) => (release = resolve)));
    let isTaken = false;
    const taken = client.write(1, "a", { until: "taken" }).then(() => (isTaken = true));
    await eventually(() => expect(client.stats.unacknowledgedMessages).toBe(0));
    expect(isTaken).toBe(false);
    release();
    await taken;
  });

  it("resolves while the inbox of the writer is full, and the acknowledgement lies behind messages that it does not read", async () => {
    const { client, server } = await startPair(true, { maxUnreadBytes: 1_024 });
    for (const each of numbers(1, 64)) await server.write(Number(each), new Uint8Array(8_192));
    await eventually(() => expect(client.stats.unreadBytes).toBeGreaterThan(1_024));
    const taken = client.write(1, "a", { until: "taken" });
    expect((await readData(server)).text()).toBe("a");
    await taken;
    await client.flush({ until: "taken" });
    for (const each of numbers(1, 64)) expect((await readData(client)).type).toBe(Number(each));
  });

  it("survives a cut", async () => {
    const { client, server, transport } = await startPair();
    const taken = client.write(1, "a", { until: "taken" });
    transport.cut();
    const flushed = client.flush({ until: "taken" });
    expect((await readData(server)).text()).toBe("a");
    await Promise.all([taken, flushed]);
  });
});
