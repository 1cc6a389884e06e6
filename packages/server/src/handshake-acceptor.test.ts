import { SessionError } from "@ipc/session";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { expectService, name, serve } from "../test/served.js";
import { HandshakeAcceptor } from "./handshake-acceptor.js";
import { type AuthorizationRequest, resolveServerOptions } from "./server-options.js";

describe("a faulty peer costs only its own connection:", () => {
  it("a hundred silent connections do not hold up a client (golang-ipc: row 7)", async () => {
    stopClock();
    const { server, directory } = await serve();
    const silent = await Promise.all(Array.from({ length: 100 }, () => RawPeer.connect(server.address)));
    await Promise.all(silent.map((raw) => raw.read(2)));
    const refused = collect(server, "refused");
    await expectService({ server, directory });
    // The client has taken the place meanwhile, so the server refuses all of them.
    await Promise.all(silent.map((raw) => raw.gone));
    expect(refused.map(({ code }) => code)).toEqual(new Array(100).fill("IPC_SERVER_BUSY"));
  });

  it("three hundred rejected clients that do not disconnect make the server drop the oldest", () => {
    const acceptor = new HandshakeAcceptor({
      ...resolveServerOptions({ name }),
      keys: resolveServerOptions({ name }),
      maxHandshakes: 128,
      refused: () => {},
    });
    const busy = (): SessionError => new SessionError("IPC_SERVER_BUSY", "taken");
    const acceptHandler = { address: "nowhere", busy, authorize: () => true, onEstablished: () => {} };
    const streams = Array.from({ length: 300 }, () => memoryPair()[0]);
    for (const stream of streams) acceptor.receive(stream, acceptHandler);
    expect(streams.map((stream) => stream.destroyed)).toEqual(streams.map((_, index) => index < 300 - 256));
    acceptor.close();
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
  });

  it("97 bytes of junk as a public key fail its handshake (golang-ipc: row 9, row 10)", async () => {
    const { server, directory } = await serve();
    for (const junk of [Buffer.alloc(97), Buffer.alloc(97, 4), Buffer.alloc(97, 0xff)]) {
      const refused = nextEvent(server, "refused");
      const raw = await RawPeer.connect(server.address);
      raw.write(0, ...junk);
      expect(await refused).toMatchObject({ code: "IPC_PUBLIC_KEY_INVALID" });
      await raw.gone;
    }
    await expectService({ server, directory });
  });

  it("an end after any part of any item fails its handshake with the figures (golang-ipc: row 8)", async () => {
    const { server, directory } = await serve();
    const key = Buffer.alloc(97, 4);
    for (const [bytes, message] of [
      [[], "connection ended: 0 of 1 bytes of the client's reply to the hello received"],
      [[0], "connection ended: 0 of 97 bytes of the peer's public key received"],
      [[0, 4], "connection ended: 1 of 97 bytes of the peer's public key received"],
      [[0, ...key.subarray(0, 96)], "connection ended: 96 of 97 bytes of the peer's public key received"],
    ] as const) {
      const refused = nextEvent(server, "refused");
      const raw = await RawPeer.connect(server.address);
      raw.stream.end(Uint8Array.from(bytes));
      expect(await refused).toMatchObject({
        code: "IPC_HANDSHAKE_FAILED",
        message: expect.stringContaining(message),
      });
    }
    const { server: plain } = await serve({ encryption: false });
    const refused = nextEvent(plain, "refused");
    const raw = await RawPeer.connect(plain.address);
    raw.stream.end(Uint8Array.of(0));
    expect((await refused).message).toContain("connection ended: 0 of 1 bytes of the client's reply to the limits");
    await expectService({ server, directory });
  });

  it("a hundred connections that are reset at once (golang-ipc: row 8)", async () => {
    const { server, directory } = await serve();
    const refused = collect(server, "refused");
    for (let i = 0; i < 100; i++) (await RawPeer.connect(server.address)).stream.destroy();
    await eventually(() => expect(refused.length).toBe(100));
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["IPC_HANDSHAKE_FAILED"]));
    await expectService({ server, directory });
  });

  it.each([
    [1, "IPC_VERSION_MISMATCH", "the client does not speak version 2"],
    [2, "IPC_ENCRYPTION_REFUSED", "encryption refused: the client requires it, and this server has"],
    [3, "IPC_HANDSHAKE_FAILED", "invalid reply to the hello: 3, expected 0"],
  ])(
    "the reply %i to the hello fails its handshake (golang-ipc: row 8, TestServerReceiveWrongVersionNumber, TestServerWrongEncryption)",
    async (answer, code, message) => {
      const { server } = await serve({ encryption: false });
      const refused = nextEvent(server, "refused");
      const raw = await RawPeer.connect(server.address);
      expect(await raw.read(2)).toEqual(Buffer.of(2, 0));
      raw.write(answer);
      expect(await refused).toMatchObject({ code, message: expect.stringContaining(message) });
      await raw.gone;
      expect(server.status).toBe("Listening");
    },
  );

  it("silence for longer than handshakeTimeoutMs fails its handshake with the awaited item (golang-ipc: row 7)", async () => {
    const { server } = await serve({ handshakeTimeoutMs: 50 });
    const refused = nextEvent(server, "refused");
    const pass = stopClock();
    const raw = await RawPeer.connect(server.address);
    await raw.read(2);
    pass(50);
    expect(await refused).toMatchObject({
      code: "IPC_HANDSHAKE_TIMEOUT",
      message: expect.stringContaining("handshake timed out: 50 ms, waiting for the client's reply to the hello"),
    });
    await raw.gone;
    expect(server.status).toBe("Listening");
  });

  it("more than 128 at once make the server drop one of them and serve the newest", async () => {
    stopClock();
    const { server, directory } = await serve();
    const refused = collect(server, "refused");
    const strangers = await Promise.all(Array.from({ length: 128 }, () => RawPeer.connect(server.address)));
    await Promise.all(strangers.map((raw) => raw.read(2)));
    expect(refused).toEqual([]);
    await (await RawPeer.connect(server.address)).read(2);
    await Promise.race(strangers.map((raw) => raw.gone));
    expect(refused).toMatchObject([
      {
        code: "IPC_HANDSHAKE_FAILED",
        message: "handshake dropped: 128 are in progress, and no other has advanced less; the client can dial again",
      },
    ]);
    expect(strangers.filter((raw) => raw.stream.destroyed)).toHaveLength(1);
    await expectService({ server, directory });
  });

  it("handshakes in progress are destroyed when the server closes, and no event follows 'close'", async () => {
    const { server } = await serve();
    const raw = await RawPeer.connect(server.address);
    await raw.read(2);
    const events: string[] = [];
    server.on("refused", () => events.push("refused"));
    server.on("close", () => events.push("close"));
    await server.close();
    await raw.gone;
    expect(events.at(-1)).toBe("close");
  });
});

describe("a client that connects while another client is connected", () => {
  it("is notified and disconnected, and the first client is not affected (golang-ipc: row 26, row 36)", async () => {
    const { server, directory } = await serve();
    const first = await openFarClient(directory, name);
    await readUntil(server, "Connected");
    const refused = nextEvent(server, "refused");
    const raw = await RawPeer.connect(server.address);
    expect(await raw.read(2)).toEqual(Buffer.of(2, 0xff));
    raw.stream.end();
    await raw.gone;
    expect(await refused).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: "server `orders` is busy: it already serves a client; retry later, or use a manager",
    });
    expect(await failureOf(openFarClient(directory, name))).toMatchObject({ code: "IPC_SERVER_BUSY" });
    await first.write(1, "still here");
    expect((await readData(server)).text()).toBe("still here");
    expect(server.status).toBe("Connected");
  });

  it("is served as soon as the first client has disconnected (golang-ipc: row 38, TestServerReconnect)", async () => {
    const { server, directory } = await serve();
    for (let i = 0; i < 5; i++) await expectService({ server, directory });
    expect(server.stats).toMatchObject({ reconnects: 4, messagesReceived: 5 });
  });

  it("is served, notified as busy or destroyed when all connect at the same time: exactly one is served", async () => {
    const { server, directory } = await serve();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => openFarClient(directory, name)));
    await readUntil(server, "Connected");
    const open = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    await eventually(() => expect(open.filter(({ status }) => status === "Connected").length).toBe(1));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason.code).toMatch(/^IPC_(SERVER_BUSY|HANDSHAKE_FAILED)$/);
    }
    const [served] = open.filter(({ status }) => status === "Connected");
    await served?.write(1, "me");
    expect((await readData(server)).text()).toBe("me");
  });
});

describe("authorize", () => {
  it.each([
    ["secure", {}],
    ["compatible", { security: { wire: "golang-ipc" } }],
    ["plain", { encryption: false }],
  ] as const)("is called with the known facts about a client before that is connected: %s", async (mode, options) => {
    const applicants: AuthorizationRequest[] = [];
    const { server, directory } = await serve({
      ...options,
      authorize: (request) => {
        applicants.push(request);
        return Promise.resolve(true);
      },
    });
    await expectService({ server, directory }, options);
    expect(applicants).toEqual([{ security: { mode, peer: { psk: false } }, remote: `${directory}/orders.sock` }]);
  });

  it.each([
    ["says false", () => false, "rejected this client", undefined],
    ["resolves with false", () => Promise.resolve(false), "rejected this client", undefined],
    [
      "throws",
      () => {
        throw new Error("no database");
      },
      "failed",
      "no database",
    ],
    ["rejects", () => Promise.reject(new Error("no network")), "failed", "no network"],
  ])("that %s rejects the client with IPC_NOT_AUTHORIZED", async (_how, authorize, message, cause) => {
    const { server, directory } = await serve({ authorize });
    const refused = nextEvent(server, "refused");
    expect(await failureOf(openFarClient(directory, name))).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(await refused).toMatchObject({
      code: "IPC_NOT_AUTHORIZED",
      message: expect.stringContaining(message),
      ...(cause !== undefined && { cause: { message: cause } }),
    });
    expect(server.status).toBe("Listening");
  });

  it("delays no other client when it never resolves, and a quicker client is served instead", async () => {
    let asked = 0;
    const { server, directory } = await serve({
      authorize: () => (asked++ === 0 ? new Promise<boolean>(() => {}) : true),
    });
    const first = failureOf(openFarClient(directory, name));
    await eventually(() => expect(asked).toBe(1));
    const refused = nextEvent(server, "refused");
    await expectService({ server, directory });
    expect(await refused).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(await first).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(server.status).toBe("Disconnected");
  });

  it("changes nothing when it resolves after the handshake has timed out", async () => {
    let answer: (yes: boolean) => void = () => {};
    let tellAsked = (): void => {};
    const asked = new Promise<void>((resolve) => {
      tellAsked = resolve;
    });
    const { server, directory } = await serve({
      handshakeTimeoutMs: 1_000,
      authorize: () =>
        new Promise((resolve) => {
          answer = resolve;
          tellAsked();
        }),
    });
    const refused = nextEvent(server, "refused");
    const pass = stopClock();
    const failing = failureOf(openFarClient(directory, name));
    await asked;
    pass(1_000);
    expect(await failing).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(await refused).toMatchObject({
      code: "IPC_HANDSHAKE_TIMEOUT",
      message: expect.stringContaining("waiting for the server's authorize option"),
    });
    answer(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.status).toBe("Listening");
  });
});
