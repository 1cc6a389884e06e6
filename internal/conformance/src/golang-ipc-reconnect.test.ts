import { startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { memory, type Transport, tcp, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { loopbackAddress } from "../../testkit/src/loopback-address.js";
import { collect, failureOf, nextEvent, readData, readToEnd, readUntil } from "../../testkit/src/peer-watch.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

describe("TestTimeoutServerDisconnected", () => {
  it("a client whose server stays away reads Timeout and then the error", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory, timeoutMs: 60_000 }));
    const pass = stopClock();
    await server.close();
    await readUntil(client, "Reconnecting");
    pass(60_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    expect((await failureOf(client.read())).message).toContain("timed out trying to re-connect");
  });
});

describe("TestClientClose", () => {
  it("the client reads Closed, and the server reads Disconnected", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory }));
    await readUntil(client, "Connected");
    const closing = client.close();
    expect(await readUntil(client, "Closed")).toEqual(["Closing", "Closed"]);
    await closing;
    expect(await readUntil(server, "Disconnected")).toEqual(["Connected", "Disconnected"]);
  });
});

describe("TestServerClose", () => {
  it("the server reads Closed, and the client reads Reconnecting", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory }));
    await readUntil(server, "Connected");
    const closing = server.close();
    expect(await readUntil(server, "Closed")).toEqual(["Closing", "Closed"]);
    await closing;
    expect((await readUntil(client, "Reconnecting")).at(-1)).toBe("Reconnecting");
  });
});

describe("TestClientReadClose", () => {
  it("after Reconnecting and Timeout every read rejects, however often", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory, timeoutMs: 60_000, retryMs: 20 }));
    await readUntil(client, "Connected");
    const pass = stopClock();
    await server.close();
    expect(await readUntil(client, "Reconnecting")).toEqual(["Reconnecting"]);
    pass(60_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    expect(await readToEnd(client)).toEqual(["IPC_TIMED_OUT"]);
  });
});

const TRANSPORTS: [string, () => Promise<{ first: Server; again: Transport }>][] = [
  [
    "a unix socket",
    async () => {
      const transport = unixSocket({ directory: temporaryDirectory() });
      return { first: await startServer({ name, transport }), again: transport };
    },
  ],
  [
    "TCP",
    async () => {
      const host = loopbackAddress();
      const first = await startServer({ name, transport: tcp({ host, port: 0 }) });
      return { first, again: tcp({ host, port: Number(first.address.split(":")[1]) }) };
    },
  ],
  [
    "memory",
    async () => {
      const transport = memory();
      return { first: await startServer({ name, transport }), again: transport };
    },
  ],
];

describe("TestClientReconnect", () => {
  it.each(TRANSPORTS)("over %s: the client goes on with each new server under the name", async (_words, start) => {
    const { first, again } = await start();
    let server = untilTestEnds(first);
    const client = untilTestEnds(await startClient({ name, transport: again, retryMs: 5 }));
    await readUntil(client, "Connected");
    for (let i = 1; i <= 10; i++) {
      await readUntil(server, "Connected");
      await client.write(1, `${i}`);
      expect((await readData(server)).text()).toBe(`${i}`);
      await server.write(2, `${i}`);
      // A restart in order, and one that cuts.
      if (i % 2 === 0) server.destroy();
      else await server.close();
      server = untilTestEnds(await startServer({ name, transport: again }));
      const words = await readUntil(client, "Connected");
      expect(words.slice(-2)).toEqual(["Reconnecting", "Connected"]);
    }
    expect(client.stats.reconnects).toBe(10);
  });
});

describe("TestClientReconnectTimeout", () => {
  it("Connected, Reconnecting and Timeout come in this order", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory, timeoutMs: 60_000 }));
    const errors = collect(client, "error");
    await readUntil(server, "Connected");
    const pass = stopClock();
    await server.close();
    expect(await readUntil(client, "Reconnecting")).toEqual(["Connecting", "Connected", "Reconnecting"]);
    pass(60_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    expect(errors).toMatchObject([{ code: "IPC_TIMED_OUT" }]);
  });
});

describe("TestServerReconnect", () => {
  it("the server serves a new client after the old one has closed", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const first = untilTestEnds(await startClient({ name, directory }));
    await readUntil(server, "Connected");
    await first.close();
    // Go's test sleeps here for a second, "IMPORTANT"; ours is told "busy" at the worst, and dials again.
    const second = untilTestEnds(await startClient({ name, directory, retryMs: 1 }));
    expect(await readUntil(server, "Connected")).toEqual(["Disconnected", "Connected"]);
    await server.write(1, "welcome");
    expect((await readData(second)).text()).toBe("welcome");
  });
});

describe("TestServerReconnect2", () => {
  it("Connected, Disconnected, Connected, as often as clients come and go", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    for (let i = 0; i < 5; i++) {
      const client = untilTestEnds(await startClient({ name, directory, retryMs: 1 }));
      expect(await readUntil(server, "Connected")).toEqual(["Connected"]);
      await client.close();
      expect(await readUntil(server, "Disconnected")).toEqual(["Disconnected"]);
    }
  });
});

describe("a second client", () => {
  it("fails at once with IPC_SERVER_BUSY where retry is false; the first does not notice", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const first = untilTestEnds(await startClient({ name, directory }));
    await readUntil(server, "Connected");
    expect(await failureOf(startClient({ name, directory, retry: false }))).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: expect.stringContaining("is busy: it serves its maximum of clients"),
    });
    await first.write(1, "still here");
    expect((await readData(server)).text()).toBe("still here");
    expect(first.stats.reconnects).toBe(0);
  });

  it("is served as soon as the first has gone", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const first = untilTestEnds(await startClient({ name, directory }));
    await readUntil(server, "Connected");
    const refused = nextEvent(server, "refused");
    const starting = startClient({ name, directory, retryMs: 1 });
    await refused;
    await first.close();
    const second = untilTestEnds(await starting);
    await second.write(1, "my turn");
    expect(await readUntil(server, "my turn")).toEqual(["Disconnected", "Connected", "my turn"]);
  });
});
