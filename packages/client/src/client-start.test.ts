import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { memory } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

const name = "orders";

describe("startClient", () => {
  it("resolves when messages can be written and read (golang-ipc: row 36, TestGetConnected, TestServerSendMessage, TestClientSendMessage)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const [client, session] = await Promise.all([startClient({ name, directory }), far.session()]);
    untilTestEnds(client);
    expect(client).toMatchObject({
      status: "Connected",
      statusCode: 3,
      remote: join(directory, "orders.sock"),
      security: { mode: "secure", peer: { psk: false } },
    });
    await client.write(7, "hello");
    await session.write(8, "hello yourself");
    expect(await readUntil(session, "hello")).toEqual(["Connected", "hello"]);
    expect(await readUntil(client, "hello yourself")).toEqual(["Connecting", "Connected", "hello yourself"]);
  });

  it("waits for a server that does not listen yet (golang-ipc: TestTimeoutNoServerRetry)", async () => {
    const directory = temporaryDirectory();
    const starting = startClient({ name, directory, retryMs: 1 });
    const far = await FarServer.listen(directory, name);
    await far.session();
    const client = untilTestEnds(await starting);
    expect(client.status).toBe("Connected");
  });

  it("redials when a server ends the connection, sends invalid bytes, or is busy (golang-ipc: row 38)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const starting = startClient({ name, directory, retryMs: 1 });
    (await far.next()).destroy();
    (await far.next()).end(Uint8Array.of(2));
    (await far.next()).end(Uint8Array.of(2, 77));
    (await far.next()).end(Uint8Array.of(2, 255));
    await far.session();
    untilTestEnds(await starting);
    expect(far.connections).toBe(5);
  });

  it("accepts a server with encryption and a server without when it does not require encryption (golang-ipc: row 9, TestServerWrongEncryption2)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    for (const [options, mode] of [
      [{ encryption: true }, "secure"],
      [{ security: { wire: "golang-ipc" } }, "compatible"],
      [{ encryption: false }, "plain"],
    ] as const) {
      const starting = startClient({ name, directory, encryption: false });
      await far.session(options);
      const client = untilTestEnds(await starting);
      expect(client.security.mode).toBe(mode);
    }
  });
});

describe("startClient with retry: false rejects with", () => {
  async function failAgainst(play: (server: RawPeer) => unknown, more = {}): Promise<Error & { code?: string }> {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory, retry: false, ...more }));
    await play(new RawPeer(await far.next()));
    return failing;
  }

  it("IPC_NO_SERVER, the path and the next step when there is no server", async () => {
    const directory = temporaryDirectory();
    expect(await failureOf(startClient({ name, directory, retry: false }))).toMatchObject({
      code: "IPC_NO_SERVER",
      message: `no server listens at ${directory}/orders.sock (ENOENT); start it, or check that both sides name the same name and directory`,
    });
    expect(await failureOf(startClient({ name, transport: memory(), retry: false }))).toMatchObject({
      code: "IPC_NO_SERVER",
    });
  });

  it("IPC_SERVER_BUSY when the server reports that it is busy (golang-ipc: row 26)", async () => {
    expect(await failAgainst((server) => server.write(2, 0xff))).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message:
        "server `orders` is busy: it serves its maximum of clients, one or a manager's `maxConnections`; retry later",
    });
  });

  it("IPC_HANDSHAKE_FAILED and the figures when the server disconnects in the middle of an item", async () => {
    const error = await failAgainst((server) => server.stream.end(Uint8Array.of(2)));
    expect(error).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(error.message).toContain("connection ended: 1 of 2 bytes of the server's hello received");
  });

  it("IPC_HANDSHAKE_FAILED for an invalid hello, invalid limits and invalid announced sizes (golang-ipc: row 12)", async () => {
    expect(await failAgainst((server) => server.write(2, 9))).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining("hello of server `orders`: 9, expected 0 (plain) or 1 (encrypted)"),
    });
    const plain = { encryption: false };
    expect(await failAgainst((server) => server.write(2, 0, 0xff, 0, 0, 0), plain)).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining("limits of the server: 4278190080 bytes, expected 4 … 4096"),
    });
    expect(await failAgainst((server) => server.write(2, 0, 0, 0, 0, 4, 0, 0, 0, 0), plain)).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining("messages of up to 0 bytes"),
    });
  });

  it("IPC_PUBLIC_KEY_INVALID for 97 bytes of junk as a key (golang-ipc: row 10)", async () => {
    const error = await failAgainst((server) => server.write(2, 1, ...new Array<number>(97).fill(0x5a)));
    expect(error).toMatchObject({ code: "IPC_PUBLIC_KEY_INVALID" });
  });

  it("IPC_HANDSHAKE_TIMEOUT and the awaited item when the server is silent (golang-ipc: row 7)", async () => {
    let server: RawPeer | undefined;
    const error = await failAgainst(
      (raw) => {
        server = raw;
      },
      { handshakeTimeoutMs: 30 },
    );
    expect(error).toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
    expect(error.message).toContain("handshake timed out: 30 ms, waiting for the server's hello");
    await server?.gone;
  });
});

describe("startClient with any retry option rejects at once with", () => {
  it("IPC_ENCRYPTION_REFUSED and the next step for a server without encryption, and notifies the server (golang-ipc: row 35, TestServerWrongEncryption)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory }));
    const server = new RawPeer(await far.next());
    server.write(2, 0);
    expect(await server.read(1)).toEqual(Buffer.of(2));
    await server.gone;
    expect(await failing).toMatchObject({
      code: "IPC_ENCRYPTION_REFUSED",
      message:
        "server `orders` offers no encryption; start a golang-ipc server with `Encryption: true`, or pass `encryption: false` to use plain text",
    });
  });

  it("IPC_VERSION_MISMATCH and both numbers for another version, and notifies the server (golang-ipc: TestServerReceiveWrongVersionNumber)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const failing = failureOf(startClient({ name, directory }));
    const server = new RawPeer(await far.next());
    server.write(3, 1);
    expect(await server.read(1)).toEqual(Buffer.of(1));
    expect(await failing).toMatchObject({
      code: "IPC_VERSION_MISMATCH",
      message: expect.stringContaining("server `orders` speaks 3, this client 2"),
    });
  });

  it("IPC_PATH_TOO_LONG and the length for a path that Node.js would truncate (golang-ipc: row 6)", async () => {
    const directory = join(temporaryDirectory(), "d".repeat(100));
    expect(await failureOf(startClient({ name, directory }))).toMatchObject({
      code: "IPC_PATH_TOO_LONG",
      message: expect.stringContaining(`has ${Buffer.byteLength(`${directory}/orders.sock`)} bytes, limit`),
    });
  });

  it("IPC_UNTRUSTED_SOCKET for a plain file in the server's place", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "orders.sock"), "");
    expect(await failureOf(startClient({ name, directory }))).toMatchObject({
      code: "IPC_UNTRUSTED_SOCKET",
      message: expect.stringContaining("is a plain file, not a socket"),
    });
  });
});

describe("startClient with timeoutMs", () => {
  it("rejects with IPC_TIMED_OUT, the attempts and the last failure, when no server comes (golang-ipc: TestTimeoutNoServer)", async () => {
    const directory = temporaryDirectory();
    const pass = stopClock();
    const warn = vi.fn();
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const failing = failureOf(startClient({ name, directory, timeoutMs: 60, retryMs: 1_000_000, logger }));
    await eventually(() => expect(warn).toHaveBeenCalledOnce());
    pass(60);
    const error = await failing;
    expect(error).toMatchObject({ code: "IPC_TIMED_OUT", cause: { code: "IPC_NO_SERVER" } });
    expect(error.message).toMatch(/^timed out trying to connect to .*orders\.sock: 1 attempts in 60 ms; last /);
  });

  it("ends a handshake in progress, and destroys its connection (golang-ipc: row 27)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const pass = stopClock();
    const failing = failureOf(startClient({ name, directory, timeoutMs: 60 }));
    const server = new RawPeer(await far.next());
    pass(60);
    await server.gone;
    expect(await failing).toMatchObject({ code: "IPC_TIMED_OUT" });
  });
});

describe("startClient with a signal rejects with AbortError, the signal's reason as its cause,", () => {
  const reason = new Error("enough");
  const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: reason };

  it("when the signal is aborted before the start", async () => {
    const directory = temporaryDirectory();
    expect(await failureOf(startClient({ name, directory, signal: AbortSignal.abort(reason) }))).toMatchObject(aborted);
  });

  it("while it waits for the next dial", async () => {
    const controller = new AbortController();
    const failing = failureOf(
      startClient({ name, directory: temporaryDirectory(), retryMs: 1_000_000, signal: controller.signal }),
    );
    setImmediate(() => controller.abort(reason));
    expect(await failing).toMatchObject(aborted);
  });

  it("while it dials", async () => {
    const controller = new AbortController();
    const transport = {
      address: () => "nowhere",
      listen: () => Promise.reject(new Error("nothing listens here")),
      dial: (_name: string, _door: unknown, { signal }: { signal?: AbortSignal }) =>
        new Promise<never>((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          setImmediate(() => controller.abort(reason));
        }),
    };
    expect(await failureOf(startClient({ name, transport, signal: controller.signal }))).toMatchObject(aborted);
  });

  it("during the handshake, and destroys the connection (golang-ipc: row 27)", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const controller = new AbortController();
    const failing = failureOf(startClient({ name, directory, signal: controller.signal }));
    const server = new RawPeer(await far.next());
    server.write(2, 1);
    await server.read(1 + 97);
    controller.abort(reason);
    expect(await failing).toMatchObject(aborted);
    await server.gone;
  });

  it("when the handshake has just completed, and destroys the connection", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const controller = new AbortController();
    const abort = (): void => controller.abort(reason);
    subscribe("ipc:handshake", abort);
    onTestFinished(() => void unsubscribe("ipc:handshake", abort));
    const failing = failureOf(startClient({ name, directory, encryption: false, signal: controller.signal }));
    const server = new RawPeer(await far.next());
    await server.serve();
    expect(await failing).toMatchObject(aborted);
    await server.gone;
  });
});
