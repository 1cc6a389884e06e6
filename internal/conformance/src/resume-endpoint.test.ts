import { type Client, type ClientOptions, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import type { Endpoint } from "@ipc/transport";
import { expect, it } from "vitest";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { askForId } from "../../testkit/src/id-requester.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

interface Scene {
  readonly transport: CutTransport;
  readonly manager: ServerManager;
  readonly connect: (options: Partial<ClientOptions>) => Promise<[ServerConnection, Client]>;
}

async function start(): Promise<Scene> {
  const transport = new CutTransport();
  const manager = untilTestEnds(await startServerManager({ name, transport, resume: true }));
  const connect: Scene["connect"] = async (options) => {
    const connection = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
    const client = untilTestEnds(await startClient({ name, transport, resume: true, retryMs: 1, ...options }));
    return [await connection, client];
  };
  return { transport, manager, connect };
}

function textsOf(peer: Peer): string[] {
  const texts: string[] = [];
  peer.on("message", (message) => void texts.push(message.text()));
  return texts;
}

/** Passes every endpoint that is dialled to `choose`, and dials what this returns. */
function redirect(transport: CutTransport, choose: (endpoint: Endpoint) => Endpoint): void {
  const { dial } = transport;
  transport.dial = (place, endpoint, options) => dial(place, choose(endpoint), options);
}

/** Expects that nothing listens at a slot. */
const expectFree = ({ transport }: Scene, id: number): Promise<void> =>
  eventually(() =>
    expect(transport.dial(name, { kind: "slot", id }, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" }),
  );

it.each([false, true])(
  "a manager keeps connection and id over a cut and frees each id that the client was given since, with the id protocol: %s",
  async (multiClient) => {
    const scene = await start();
    const { manager, transport, connect } = scene;
    const slots: number[] = [];
    redirect(transport, (endpoint) => {
      if (endpoint.kind === "slot") slots.push(endpoint.id);
      return endpoint;
    });
    const [connection, client] = await connect({ multiClient });
    const id = client.clientId;
    const [atManager, atClient] = [textsOf(connection), textsOf(client)];
    let others = 0;
    manager.on("connection", () => others++);
    manager.on("disconnection", () => others++);
    for (let round = 1; round <= 3; round++) {
      const written = Promise.all([client.write(1, `c${round}`), connection.write(1, `s${round}`)]);
      transport.cut();
      await written;
      await eventually(() => expect([client.stats.resumes, connection.stats.resumes]).toEqual([round, round]));
    }
    await eventually(() =>
      expect([atManager, atClient]).toEqual([
        ["c1", "c2", "c3"],
        ["s1", "s2", "s3"],
      ]),
    );
    expect([others, client.clientId]).toEqual([0, id]);
    expect([...manager.connections.values()]).toEqual([connection]);
    expect(manager.stats).toMatchObject({ connections: 1, detached: 0 });
    expect([slots[0], slots.length]).toEqual(multiClient ? [id, 4] : [undefined, 0]);
    for (const given of slots.slice(1)) await expectFree(scene, given);
  },
);

it("a session that began at the name of a manager goes on at a slot, which is free then", async () => {
  const scene = await start();
  const { transport, manager, connect } = scene;
  const [connection, client] = await connect({});
  const atManager = textsOf(connection);
  const { session, id } = await askForId(transport, name);
  await session.close();
  const { dial } = transport;
  redirect(transport, () => ({ kind: "slot", id }));
  transport.cut();
  await eventually(() => expect([client.stats.resumes, connection.stats.resumes]).toEqual([1, 1]));
  expect([...manager.connections.values()]).toEqual([connection]);
  transport.dial = dial;
  await expectFree(scene, id);
  await client.write(1, "a");
  await eventually(() => expect(atManager).toEqual(["a"]));
});

it("a session that began at a slot of a manager goes on at its name", async () => {
  const { transport, manager, connect } = await start();
  const [connection, client] = await connect({ multiClient: true });
  const { id } = connection;
  const atManager = textsOf(connection);
  redirect(transport, (endpoint) => (endpoint.kind === "slot" ? { kind: "name" } : endpoint));
  transport.cut();
  await client.write(1, "a");
  await eventually(() => expect(atManager).toEqual(["a"]));
  expect([client.stats.resumes, client.clientId, [...manager.connections.keys()]]).toEqual([1, id, [id]]);
});
