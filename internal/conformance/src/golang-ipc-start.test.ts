import { statSync } from "node:fs";
import { startClient } from "@ipc/client";
import { type Server, type ServerOptions, startServer, type Transport } from "@ipc/server";
import { memory } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { failureOf, nextEvent, readToEnd, readUntil } from "../../testkit/src/peer-watch.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

// Each test of golang-ipc's ipc_test.go has its counterpart here under its name. Where ours differs from what the Go test
// asserts, docs/DIVERGENCES.md says why.

const name = "orders";

describe("TestStartUp_Name", () => {
  it("an empty name is refused by both sides", async () => {
    for (const start of [startServer, startClient]) {
      const error = await failureOf(start({ name: "" }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        code: "IPC_NAME_INVALID",
        message: expect.stringContaining("cannot be an empty string"),
      });
    }
  });
});

describe("TestStartUp_Configs", () => {
  it("both sides start with defaults, and with any time-out and pause between dials", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    for (const options of [{}, { timeoutMs: 0, retryMs: 0 }, { timeoutMs: 5_000, retryMs: 1_000 }]) {
      const client = untilTestEnds(await startClient({ name, directory, ...options }));
      expect(client.status).toBe("Connected");
      await readUntil(server, "Connected");
      await client.close();
      await readUntil(server, "Disconnected");
    }
  });
});

// docs/DIVERGENCES.md: Go takes -1 for "the default" without a word; an option that means nothing is an error here.
describe("TestStartUp_Configs2", () => {
  it.each([
    ["maxMessageSize", startServer],
    ["maxMessageSize", startClient],
    ["timeoutMs", startClient],
    ["retryMs", startClient],
  ] as const)("%s: -1 is refused by name", async (option, start) => {
    const error = await failureOf(start({ name, [option]: -1 }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(new RegExp(`^${start.name}: \`${option}\` takes .*, got -1$`));
  });
});

describe("TestStartUp_Configs3", () => {
  it("a server takes a maxMessageSize of 1025, and its client heeds it", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory, maxMessageSize: 1_025 }));
    const client = untilTestEnds(await startClient({ name, directory, retryMs: 1_000 }));
    await client.write(1, new Uint8Array(1_025));
    expect(await failureOf(client.write(1, new Uint8Array(1_026)))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
    expect(await failureOf(server.write(1, new Uint8Array(1_026)))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
  });
});

describe("TestUnmask", () => {
  it("the socket file has mode 0777 with unmaskPermissions", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory, unmaskPermissions: true }));
    expect((statSync(server.address).mode & 0o777).toString(8)).toBe("777");
  });
});

describe("TestTimeoutNoServer", () => {
  it("a client without a server times out, saying so", async () => {
    const pass = stopClock();
    const options = { name, directory: temporaryDirectory(), timeoutMs: 60_000, retryMs: 20_000 };
    const failing = failureOf(startClient(options));
    // The pause behind the first dial, the deadline, and the timer that keeps the process alive.
    await eventually(() => expect(vi.getTimerCount()).toBe(3));
    pass(60_000);
    const error = await failing;
    expect(error).toMatchObject({ code: "IPC_TIMED_OUT", cause: { code: "IPC_NO_SERVER" } });
    expect(error.message).toContain("timed out trying to connect");
  });
});

describe("TestTimeoutNoServerRetry", () => {
  it("a client dials again and again until its time is over", async () => {
    const transport = memory();
    let dials = 0;
    const counting: Transport = {
      ...transport,
      dial(...given) {
        dials++;
        return transport.dial(...given);
      },
    };
    const pass = stopClock();
    const failing = failureOf(startClient({ name, transport: counting, timeoutMs: 60_000, retryMs: 20_000 }));
    for (const expected of [1, 2, 3]) {
      await eventually(() => expect([dials, vi.getTimerCount()]).toEqual([expected, 3]));
      pass(20_000);
    }
    const error = await failing;
    expect(error.message).toContain("timed out trying to connect");
    expect(error.message).toContain("3 attempts in 60000 ms");
  });

  it("and without a time-out until a server comes", async () => {
    const transport = memory();
    let server: Promise<Server> | undefined;
    let dials = 0;
    const counting: Transport = {
      ...transport,
      dial(...given) {
        if (++dials === 5) server = startServer({ name, transport });
        return transport.dial(...given);
      },
    };
    const client = untilTestEnds(await startClient({ name, transport: counting, retryMs: 1 }));
    untilTestEnds(await (server as Promise<Server>));
    expect(client.status).toBe("Connected");
    expect(dials).toBeGreaterThanOrEqual(5);
  });
});

describe("TestStatus", () => {
  /** A server whose listener the test can lose, and its status and number now. */
  async function startLosable(options: Partial<ServerOptions> = {}): Promise<{ server: Server; lose: () => void }> {
    const transport = memory();
    let lose = (): void => {};
    const losable: Transport = {
      ...transport,
      listen(given, endpoint, onStream, listenOptions) {
        lose = () => listenOptions.onLost?.(Object.assign(new Error("gone"), { code: "IPC_LISTENER_LOST" }) as never);
        return transport.listen(given, endpoint, onStream, listenOptions);
      },
    };
    const server = untilTestEnds(await startServer({ name, transport: losable, ...options }));
    return { server, lose: () => lose() };
  }

  it("a server is Listening (1), Connected (3), Disconnected (9), Closing (6), Closed (5)", async () => {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name, transport }));
    const seen: unknown[] = [[server.status, server.statusCode]];
    server.on("status", (status) => seen.push([status, server.statusCode]));
    const client = untilTestEnds(await startClient({ name, transport }));
    await readUntil(server, "Connected");
    await client.close();
    await readUntil(server, "Disconnected");
    await server.close();
    expect(seen).toEqual([
      ["Listening", 1],
      ["Connected", 3],
      ["Disconnected", 9],
      ["Closing", 6],
      ["Closed", 5],
    ]);
  });

  it("a server that loses its listener is in Error (7): one 'error', then 'close'", async () => {
    const { server, lose } = await startLosable();
    const failed = nextEvent(server, "error");
    const reading = readToEnd(server);
    lose();
    expect(await failed).toMatchObject({ code: "IPC_LISTENER_LOST" });
    expect([server.status, server.statusCode]).toEqual(["Error", 7]);
    expect(await reading).toEqual(["Error", "IPC_LISTENER_LOST"]);
  });

  // "Not Connected" (0) is what a client is before anybody holds it; "Connecting" (2) is the first that it can read.
  it("a client is Connecting, Connected (3), Reconnecting (4), Timeout (8)", async () => {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name, transport }));
    const client = untilTestEnds(await startClient({ name, transport, timeoutMs: 60_000, retryMs: 5 }));
    const seen: unknown[] = [[client.status, client.statusCode]];
    client.on("status", (status) => seen.push([status, client.statusCode]));
    const pass = stopClock();
    await server.close();
    expect(await readUntil(client, "Reconnecting")).toEqual(["Connecting", "Connected", "Reconnecting"]);
    pass(60_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    expect(seen).toEqual([
      ["Connected", 3],
      ["Reconnecting", 4],
      ["Timeout", 8],
    ]);
  });
});

describe("TestGetConnected", () => {
  it("both sides read that they are connected", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const client = untilTestEnds(await startClient({ name, directory }));
    expect(await readUntil(client, "Connected")).toEqual(["Connecting", "Connected"]);
    expect(await readUntil(server, "Connected")).toEqual(["Connected"]);
  });
});
