import { type Client, type Peer, startClient } from "@ipc/client";
import { type Server, type SessionLostError, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { CutSockets } from "../../testkit/src/cut-sockets.js";
import { eventually } from "../../testkit/src/eventually.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

/** More than the memory of a reader that pauses and the buffers of the kernel take, and less than a session keeps. */
const LENGTH = 32_768;
const COUNT = 64;

type Side = "client" | "server";

interface Scene {
  readonly client: Client;
  readonly server: Server;
  readonly sockets: CutSockets;
}

async function start(clientOptions: object = {}, bothOptions: object = {}): Promise<Scene> {
  const sockets = new CutSockets();
  const server = untilTestEnds(await startServer({ name, transport: sockets, resume: true, ...bothOptions }));
  const options = { name, transport: sockets, resume: true, retryMs: 1, ...clientOptions, ...bothOptions };
  const client = untilTestEnds(await startClient(options));
  await eventually(() => expect(server.status).toBe("Connected"));
  return { client, server, sockets };
}

/** The side that the test is about, and the other one. */
const sidesOf = ({ client, server }: Scene, side: Side): readonly [Peer, Peer] =>
  side === "client" ? [client as Peer, server as Peer] : [server as Peer, client as Peer];

function collect(peer: Peer): string[] {
  const texts: string[] = [];
  peer.on("message", (message) => void texts.push(message.text()));
  return texts;
}

function lossesOf(peer: Peer): SessionLostError[] {
  const losses: SessionLostError[] = [];
  peer.on("lost", (error) => void losses.push(error as SessionLostError));
  return losses;
}

const textsOf = (loss: SessionLostError | undefined): string[] | undefined =>
  loss?.undelivered.map(({ data }) => Buffer.from(data).toString());

describe.each<Side>(["client", "server"])("in a session, `close()` of the %s", (side) => {
  it("resolves when the other side has received everything, and the other side can still take it", async () => {
    const scene = await start();
    const [near, far] = sidesOf(scene, side);
    await near.write(1, "a");
    await near.write(1, "b");
    await near.close();
    const texts = collect(far);
    await eventually(() => expect(texts).toEqual(["a", "b"]));
  });

  it("rejects with the counts when the other side reads nothing", async () => {
    const scene = await start({}, { maxUnreadBytes: 65_536, maxQueuedBytes: 4_194_304 });
    const [near, far] = sidesOf(scene, side);
    far.pause();
    collect(far);
    for (let each = 0; each < COUNT; each++) await near.write(1, new Uint8Array(LENGTH));
    await expect(near.close({ timeoutMs: 50 })).rejects.toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringMatching(/ \d+ of 64 accepted messages .* were not received by the peer/),
    });
  });

  it("hands the other side what it has written since, and counts what was taken", async () => {
    const scene = await start();
    const [near, far] = sidesOf(scene, side);
    collect(near);
    const losses = lossesOf(far);
    await far.write(1, "taken", { until: "taken" });
    const closed = near.close();
    await far.write(1, "late");
    await closed;
    await eventually(() => expect(losses).toHaveLength(1));
    expect([losses[0]?.code, textsOf(losses[0]), losses[0]?.unconfirmed]).toEqual(["IPC_PEER_CLOSED", ["late"], 0]);
  });

  it("waits for the other side, which is away, only behind a flush", async () => {
    const scene = await start();
    const [near, far] = sidesOf(scene, side);
    const texts = collect(far);
    scene.sockets.cut();
    await eventually(() => expect(near.status).toBe("Reconnecting"));
    await near.write(1, "a");
    await near.flush({ until: "taken" });
    await near.close();
    expect(texts).toEqual(["a"]);
  });

  it("rejects at once with the counts while the other side is away and has not received everything", async () => {
    const scene = await start({ retryMs: 1_000_000 });
    const [near] = sidesOf(scene, side);
    scene.sockets.cut();
    await eventually(() => expect(near.status).toBe("Reconnecting"));
    await near.write(1, "a");
    await expect(near.close()).rejects.toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining("1 of 1 accepted messages were not received by the peer"),
    });
    expect(near.status).toBe("Closed");
  });
});

describe.each<Side>(["client", "server"])("in a session, `drain()` of the %s", (side) => {
  it("lets both directions arrive, and tells of no loss", async () => {
    const scene = await start();
    const [near, far] = sidesOf(scene, side);
    const [atNear, atFar] = [collect(near), collect(far)];
    const losses = lossesOf(far);
    far.on("draining", () => void far.write(1, "last of the other"));
    await near.write(1, "before");
    const drained = near.drain();
    await near.write(1, "meanwhile");
    await drained;
    await eventually(() => expect([atFar, atNear]).toEqual([["before", "meanwhile"], ["last of the other"]]));
    expect(losses.flatMap(textsOf)).toEqual([]);
  });

  it("rejects with the counts when the connection is cut before the other side has told that it received everything", async () => {
    const scene = await start();
    const [near] = sidesOf(scene, side);
    const losses = lossesOf(near);
    await near.write(1, "a");
    const drained = near.drain();
    scene.sockets.cut();
    await expect(drained).rejects.toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining("1 of 1 accepted messages were not received by the peer"),
      cause: { code: "IPC_CONNECTION_LOST" },
    });
    expect([near.status, losses.length]).toEqual(["Closed", 1]);
  });

  it("resolves when the connection is cut after everything was received", async () => {
    const scene = await start();
    const [near, far] = sidesOf(scene, side);
    collect(far);
    await near.write(1, "a", { until: "taken" });
    const drained = near.drain();
    scene.sockets.cut();
    await drained;
  });
});

describe("the end of a session", () => {
  it("tells the server nothing if its client closes, and every message was taken", async () => {
    const { client, server } = await start();
    const [texts, losses] = [collect(server), lossesOf(server)];
    for (let each = 0; each < 100; each++) await client.write(1, `${each}`);
    await client.close();
    await eventually(() => expect(server.status).toBe("Disconnected"));
    expect([texts.length, losses]).toEqual([100, []]);
  });

  it("hands the client what did not arrive when its server is another one now", async () => {
    const { client, server, sockets } = await start();
    const losses = lossesOf(client);
    collect(server);
    await client.write(1, "taken", { until: "taken" });
    server.destroy();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    await client.write(7, "never sent");
    untilTestEnds(await startServer({ name, transport: sockets, resume: true }));
    await eventually(() => expect(losses).toHaveLength(1));
    expect(losses[0]).toMatchObject({ code: "IPC_SESSION_LOST", unconfirmed: 0 });
    expect(losses[0]?.undelivered).toEqual([{ type: 7, data: new TextEncoder().encode("never sent") }]);
  });

  it("comes when a new client replaces one that is away, with what did not arrive", async () => {
    const { client, server, sockets } = await start({ retryMs: 1_000_000 });
    const losses = lossesOf(server);
    collect(client);
    await server.write(1, "taken", { until: "taken" });
    sockets.cut();
    await eventually(() => expect(server.status).toBe("Reconnecting"));
    await server.write(7, "kept");
    await server.write(8, "as well");
    const next = untilTestEnds(await startClient({ name, transport: sockets, resume: true }));
    const texts = collect(next);
    await eventually(() => expect([server.status, losses.length]).toEqual(["Connected", 1]));
    expect(losses[0]).toMatchObject({ code: "IPC_SESSION_LOST", unconfirmed: 0 });
    expect(losses[0]?.undelivered.map(({ type }) => type)).toEqual([7, 8]);
    expect(textsOf(losses[0])).toEqual(["kept", "as well"]);
    await server.write(1, "to the next one");
    await eventually(() => expect(texts).toEqual(["to the next one"]));
  });
});
