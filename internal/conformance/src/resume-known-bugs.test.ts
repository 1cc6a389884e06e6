import { type Client, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { describe, expect, it } from "vitest";
import { CutSockets } from "../../testkit/src/cut-sockets.js";
import { eventually } from "../../testkit/src/eventually.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

interface Scene {
  readonly sockets: CutSockets;
  readonly client: Client;
  readonly connection: ServerConnection;
  readonly atClient: readonly string[];
  readonly atServer: readonly string[];
}

async function start(): Promise<Scene> {
  const sockets = new CutSockets();
  const manager = untilTestEnds(await startServerManager({ name, transport: sockets, resume: true }));
  const arriving = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
  const client = untilTestEnds(await startClient({ name, transport: sockets, resume: true, retryMs: 1 }));
  const connection = await arriving;
  return { sockets, client, connection, atClient: textsOf(client as Peer), atServer: textsOf(connection) };
}

function textsOf(peer: Peer): readonly string[] {
  const texts: string[] = [];
  peer.on("message", (message) => void texts.push(message.text()));
  peer.on("lost", (error) => void texts.push(error.code));
  return texts;
}

async function resume({ sockets, client, connection }: Scene): Promise<void> {
  const { resumes } = client.stats;
  sockets.cut();
  await eventually(() => expect([client.stats.resumes, connection.stats.resumes]).toEqual([resumes + 1, resumes + 1]));
}

// The recovery of connections in socket.io had each of these.
describe("a session resumes", () => {
  it("when nothing was ever sent in it (socket.io 5282)", async () => {
    const scene = await start();
    await resume(scene);
    await Promise.all([scene.connection.write(1, "s"), scene.client.write(1, "c")]);
    await eventually(() => expect([scene.atClient, scene.atServer]).toEqual([["s"], ["c"]]));
  });

  it("when the server's first message is written while the client is away (socket.io 5538)", async () => {
    const scene = await start();
    scene.sockets.cut();
    await eventually(() => expect(scene.connection.status).toBe("Reconnecting"));
    await scene.connection.write(1, "first");
    await eventually(() => expect(scene.atClient).toEqual(["first"]));
    expect(scene.client.stats).toMatchObject({ resumes: 1, reconnects: 0 });
  });

  it("again and again, with what was sent since the last time (socket.io 4880)", async () => {
    const scene = await start();
    for (const text of ["1", "2", "3", "4"]) {
      await Promise.all([scene.connection.write(1, text), scene.client.write(1, text)]);
      await resume(scene);
    }
    const all = ["1", "2", "3", "4"];
    await eventually(() => expect([scene.atClient, scene.atServer]).toEqual([all, all]));
  });

  it("with what the client has written, sent or not (socket.io 5363)", async () => {
    const scene = await start();
    await scene.client.write(1, "on the way");
    scene.sockets.cut();
    await scene.client.write(1, "not sent");
    await eventually(() => expect(scene.client.stats.resumes).toBe(1));
    await scene.client.write(1, "after it");
    await eventually(() => expect(scene.atServer).toEqual(["on the way", "not sent", "after it"]));
    expect(scene.client.stats.unacknowledgedMessages).toBeLessThanOrEqual(3);
    await scene.client.flush({ until: "taken" });
  });
});
