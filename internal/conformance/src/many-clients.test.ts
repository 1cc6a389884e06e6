import { type Client, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { memory, type Transport, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { readData, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";
/** Many handshakes at once take as long as the machine lets them: none of them is given up. */
const PATIENT = { handshakeTimeoutMs: 60_000 };

/** Starts a manager that answers every client with the client's words and id. */
async function startAnswering(transport: Transport): Promise<ServerManager> {
  const manager = untilTestEnds(await startServerManager({ name, transport, ...PATIENT }));
  manager.on("message", (connection, message) => void connection.write(1, `${message.text()} ${connection.id}`));
  return manager;
}

const TRANSPORTS: [string, () => Promise<{ manager: ServerManager; transport: Transport }>][] = [
  [
    "unix sockets",
    async () => {
      const transport = unixSocket({ directory: temporaryDirectory() });
      return { transport, manager: await startAnswering(transport) };
    },
  ],
  [
    "memory",
    async () => {
      const transport = memory();
      return { transport, manager: await startAnswering(transport) };
    },
  ],
];

/** Asks the manager for this client's id; with the id protocol, the client knows it too. */
async function identify(client: Client, word: string): Promise<number> {
  await client.write(1, word);
  const [answer, id] = (await readData(client)).text().split(" ");
  expect(answer).toBe(word);
  if (client.clientId !== undefined) expect(client.clientId).toBe(Number(id));
  return Number(id);
}

describe.each(TRANSPORTS)("many clients over %s", (_words, start) => {
  async function connect(transport: Transport): Promise<Client[]> {
    const clients = await Promise.all(
      [false, true, false, true, false, true].map((multiClient) =>
        startClient({ name, transport, multiClient, retryMs: 5, ...PATIENT }),
      ),
    );
    return clients.map(untilTestEnds);
  }

  it("come by both endpoints at once, and each has an id of its own", async () => {
    const { manager, transport } = await start();
    const clients = await connect(transport);
    const ids = await Promise.all(clients.map((client, index) => identify(client, `client-${index}`)));
    expect(new Set(ids).size).toBe(6);
    await eventually(() => expect([...manager.connections.keys()].sort()).toEqual([...ids].sort()));
    await Promise.all(clients.map((client) => client.close()));
    await eventually(() => expect(manager.connections.size).toBe(0));
  });

  it("that are cut come back under new ids, as often as it happens", async () => {
    const { manager, transport } = await start();
    const clients = await connect(transport);
    const seen = new Set<number>();
    for (let round = 1; round <= 3; round++) {
      const ids = await Promise.all(clients.map((client, index) => identify(client, `client-${index}`)));
      for (const id of ids) {
        expect(seen).not.toContain(id);
        seen.add(id);
        (manager.connections.get(id) as ServerConnection).destroy();
      }
      await Promise.all(clients.map((client) => readUntil(client, "Reconnecting")));
      await Promise.all(clients.map((client) => readUntil(client, "Connected")));
    }
    expect(clients.map(({ stats }) => stats.reconnects)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it("come back to a manager that was started again", async () => {
    const { manager, transport } = await start();
    const clients = await connect(transport);
    await Promise.all(clients.map((client) => identify(client, "before")));
    await manager.close();
    await Promise.all(clients.map((client) => readUntil(client, "Reconnecting")));
    const again = await startAnswering(transport);
    await Promise.all(clients.map((client) => readUntil(client, "Connected")));
    const ids = await Promise.all(clients.map((client) => identify(client, "after")));
    expect(new Set(ids).size).toBe(6);
    await eventually(() => expect([...again.connections.keys()].sort()).toEqual([...ids].sort()));
  });
});
