import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Client, type ClientOptions, type Peer, startClient } from "@ipc/client";
import { type ManagerOptions, type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { TransportError } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { nextEvent, readData } from "../../testkit/src/peer-watch.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

interface Setting {
  readonly transport: CutTransport;
  readonly manager: ServerManager;
  readonly connect: (options?: Partial<ClientOptions>) => Promise<Client>;
}

async function serve(
  options: Partial<ManagerOptions> = {},
  transport: CutTransport = new CutTransport(),
): Promise<Setting> {
  const manager = untilTestEnds(await startServerManager({ name, transport, resume: true, ...options }));
  const connect: Setting["connect"] = async (own) =>
    untilTestEnds(await startClient({ name, transport, resume: true, retryMs: 1, ...own }));
  return { transport, manager, connect };
}

function textsOf(peer: Peer): string[] {
  const texts: string[] = [];
  peer.on("message", (message) => void texts.push(message.text()));
  return texts;
}

/** Lets the next dial, of all clients, wait from `begun` until `release` is called. */
function holdNextDial(transport: CutTransport): { readonly begun: Promise<void>; readonly release: () => void } {
  const { dial } = transport;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const begun = new Promise<void>((resolve) => {
    transport.dial = async (...place) => {
      transport.dial = dial;
      resolve();
      await released;
      return dial(...place);
    };
  });
  return { begun, release };
}

/** Whether a diagnostic of this process is about a manager's connection. */
function isOf({ id, remote }: ServerConnection, news: unknown): boolean {
  const about = news as { readonly role: string; readonly id?: number; readonly remote: string };
  return about.role === "server" && about.id === id && about.remote === remote;
}

async function nextConnection(
  manager: ServerManager,
  connecting: Promise<Client>,
): Promise<[ServerConnection, Client]> {
  const connection = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
  return [await connection, await connecting];
}

describe("a manager whose clients resume", () => {
  it("reaches clients that are away with a broadcast, and shows them in its figures", async () => {
    const { manager, transport, connect } = await serve();
    const [connection, client] = await nextConnection(manager, connect());
    const atClient = textsOf(client);
    const held = holdNextDial(transport);
    transport.cut();
    await eventually(() => expect(manager.stats).toMatchObject({ connections: 1, detached: 1 }));
    expect(await manager.broadcast(1, "news", { slow: "skip" })).toEqual({
      accepted: [connection],
      skipped: [],
      failed: [],
    });
    held.release();
    await eventually(() => expect(atClient).toEqual(["news"]));
    expect(manager.stats.detached).toBe(0);
  });

  it("leaves a client that is away out of a broadcast, or waits for it, while what is kept for it is full", async () => {
    const { manager, transport, connect } = await serve({ resume: { bufferBytes: 1_024 } });
    const [away, client] = await nextConnection(manager, connect());
    const atClient = textsOf(client);
    const held = holdNextDial(transport);
    transport.cut();
    await held.begun;
    const [there, other] = await nextConnection(manager, connect());
    const atOther = textsOf(other);
    await away.write(1, new Uint8Array(1_024));
    const skip = { slow: "skip" } as const;
    expect(await manager.broadcast(1, "a", skip)).toEqual({ accepted: [there], skipped: [away], failed: [] });
    const waiting = manager.broadcast(1, "b");
    await eventually(() => expect(atOther).toEqual(["a", "b"]));
    expect([away.status, away.stats.unacknowledgedMessages]).toEqual(["Reconnecting", 1]);
    held.release();
    expect((await waiting).accepted).toHaveLength(2);
    await eventually(() => expect(away.stats.unacknowledgedMessages).toBe(0));
    expect((await manager.broadcast(1, "c", skip)).skipped).toEqual([]);
    await eventually(() => expect([atClient.slice(1), atOther].map(String)).toEqual(["b,c", "a,b,c"]));
  });

  it("lets a client back in place of its own half-open connection when it is full, and tells others that it is busy", async () => {
    const { manager, transport, connect } = await serve({ maxConnections: 1 });
    const [connection, client] = await nextConnection(manager, connect());
    const atManager = textsOf(connection);
    const refused: unknown[] = [];
    manager.on("refused", (error) => refused.push(error));
    await client.write(1, "a");
    transport.halfOpen();
    await client.write(1, "b");
    await eventually(() => expect(client.stats.resumes).toBe(1));
    await eventually(() => expect(atManager).toEqual(["a", "b"]));
    expect(manager.connections.size).toBe(1);
    const other = await connect({ retry: false });
    const lost = nextEvent(other, "lost");
    await other.write(1, "c").catch(() => {});
    expect(await lost).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(refused[0]).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(atManager).toEqual(["a", "b"]);
  });

  it("lets no client back in the place of another one, and resumes its session once there is a place", async () => {
    const { manager, transport, connect } = await serve({ maxConnections: 1 });
    const [connection, client] = await nextConnection(manager, connect());
    const held = holdNextDial(transport);
    transport.cut();
    await connection.write(1, "a");
    await eventually(() => expect(manager.stats.detached).toBe(1));
    await held.begun;
    const [, other] = await nextConnection(manager, connect());
    const waiting = new Promise<unknown>((resolve) => client.once("waiting", resolve));
    held.release();
    expect(await waiting).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(manager.stats).toMatchObject({ connections: 2, detached: 1 });
    await other.close();
    expect((await readData(client)).text()).toBe("a");
    expect([client.stats.resumes, manager.connections.size]).toEqual([1, 1]);
  });

  it("takes no further client while unread messages of clients that are away fill its budget", async () => {
    const { manager, transport, connect } = await serve({ maxTotalUnreadBytes: 10_000 });
    const [connection, client] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    await client.write(1, new Uint8Array(10_000));
    await eventually(() => expect(manager.stats.unreadBytes).toBeGreaterThan(10_000));
    transport.cut();
    await eventually(() => expect(manager.stats.detached).toBe(1));
    const refused: unknown[] = [];
    manager.on("refused", ({ code }) => void refused.push(code));
    await connect({ retry: false });
    await eventually(() => expect(refused[0]).toBe("IPC_SERVER_BUSY"));
    expect([...manager.connections.values()]).toEqual([connection]);
  });

  it("tells a client with the first hello that it is full unless resume is in force", async () => {
    const { manager, connect } = await serve({ maxConnections: 1, resume: false });
    await nextConnection(manager, connect());
    await expect(connect({ retry: false })).rejects.toMatchObject({ code: "IPC_SERVER_BUSY" });
  });

  it("ends the session of a client that does not come back in time, with what did not arrive", async () => {
    const advance = stopClock();
    const { manager, transport, connect } = await serve({ resume: { ttlMs: 60_000 } });
    const [connection, client] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    const ended = new Promise<unknown>((resolve) =>
      manager.once("disconnection", (_connection, error) => resolve(error)),
    );
    transport.cut();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    await connection.write(7, "away");
    advance(59_999);
    expect(connection.status).toBe("Reconnecting");
    advance(1);
    expect(await ended).toMatchObject({
      code: "IPC_SESSION_LOST",
      undelivered: [{ type: 7, data: new TextEncoder().encode("away") }],
      unconfirmed: 0,
    });
    expect(manager.connections.size).toBe(0);
    client.destroy();
  });

  it("ends the session of a client whose key is withdrawn while it is away", async () => {
    const psk = new Uint8Array(32).fill(1);
    const { manager, transport, connect } = await serve({ security: { psk } });
    const [connection] = await nextConnection(manager, connect({ security: { psk }, retryMs: 1_000_000 }));
    transport.cut();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    manager.updateSecurity({ psk: new Uint8Array(32).fill(2) });
    expect(manager.connections.size).toBe(0);
  });

  it.each<[string, (manager: ServerManager, handle: (connection: ServerConnection) => Promise<void>) => unknown]>([
    ["a listener", (manager, handle) => manager.on("message", (connection) => handle(connection))],
    [
      "a poll",
      async (manager, handle) => {
        for (let kind = ""; kind !== "data"; )
          await manager.read((connection, message) => {
            kind = message.kind;
            return kind === "data" ? handle(connection) : undefined;
          });
      },
    ],
  ])("drains a connection within %s whose promise is pending, and its client goes on", async (_what, take) => {
    const { manager, connect } = await serve();
    const [connection, client] = await nextConnection(manager, connect());
    await eventually(() => expect(connection.status).toBe("Connected"));
    const seen: unknown[] = [];
    client.on("status", (status) => void seen.push(status));
    client.on("draining", () => void seen.push("draining"));
    let release = (): void => {};
    let drained: Promise<void> | undefined;
    const handle = async (each: ServerConnection): Promise<void> => {
      drained ??= each.drain();
      await new Promise<void>((resolve) => (release = resolve));
    };
    const taken = take(manager, handle);
    await client.write(1, "a");
    await eventually(() => expect(seen).toEqual(["draining"]));
    // The acknowledgement of this one follows the counts of the announcement.
    await client.write(1, "b");
    await eventually(() => expect(client.stats.unacknowledgedMessages).toBe(0));
    expect(seen).toEqual(["draining"]);
    release();
    connection.destroy();
    await Promise.all([drained, taken]);
  });

  it("ends once when the manager fails while its client is away", async () => {
    const lost: (() => void)[] = [];
    const failing = new CutTransport();
    const { listen } = failing;
    failing.listen = (name, endpoint, accept, options) => {
      lost.push(() => options?.onLost?.(new TransportError("IPC_LISTENER_LOST", "the listener is lost")));
      return listen(name, endpoint, accept, options);
    };
    const { manager, transport, connect } = await serve({}, failing);
    const [connection] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    const seen: unknown[] = [];
    connection.on("status", (status) => void seen.push(status));
    connection.on("lost", ({ code }) => void seen.push(code));
    connection.on("error", ({ code }) => void seen.push(code));
    connection.on("close", () => void seen.push("close"));
    manager.on("disconnection", (_connection, error) => void seen.push(error?.code));
    transport.cut();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    lost[0]?.();
    await eventually(() => expect(seen).toContain("close"));
    expect(seen).toEqual(["Reconnecting", "Disconnected", "IPC_SESSION_LOST", "close", "IPC_SESSION_LOST"]);
    expect([connection.status, manager.status]).toEqual(["Disconnected", "Error"]);
  });

  it("closes at once when every client has everything, also one that is away", async () => {
    const { manager, transport, connect } = await serve();
    const [connection] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    transport.cut();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    await manager.close();
    expect(manager.connections.size).toBe(0);
  });

  it.each(["close", "drain"] as const)("tells at its %s what a client that is away has not received", async (how) => {
    const { manager, transport, connect } = await serve();
    const [connection] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    transport.cut();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    await connection.write(1, "a");
    await expect(manager[how]()).rejects.toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining("1 of 1 accepted messages"),
    });
    expect(manager.connections.size).toBe(0);
  });

  it.each<[string, (connection: ServerConnection) => unknown]>([
    ["closed", (connection) => connection.close()],
    ["destroyed", (connection) => connection.destroy()],
  ])("forgets a connection that is %s in a listener, as soon as its client is away", async (_how, end) => {
    const { manager, transport, connect } = await serve();
    const [connection] = await nextConnection(manager, connect({ retryMs: 1_000_000 }));
    const ended: unknown[] = [];
    manager.on("disconnection", (...what) => ended.push(what));
    const told: unknown[] = [];
    const note = (news: unknown): void => void (isOf(connection, news) && told.push(news));
    subscribe("ipc:disconnect", note);
    onTestFinished(() => void unsubscribe("ipc:disconnect", note));
    connection.on("status", (status) => (status === "Reconnecting" ? void end(connection) : undefined));
    transport.cut();
    await eventually(() => expect(ended).toEqual([[connection, undefined]]));
    expect(manager.stats).toMatchObject({ connections: 0, detached: 0 });
    expect(told).toHaveLength(1);
  });
});
