import { readdirSync } from "node:fs";
import { startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";
import { tallyOf } from "./peer-protocol.js";

const directory = GO_DIRECTORY;
const LONG = { timeout: 60_000 };
const MESSAGES = 200;
/** Many handshakes at once take as long as the machine lets them: none of them is given up. */
const PATIENT = { handshakeTimeoutMs: 60_000 };
/** Data of a client's own length is its mark: 64 bytes and its number. */
const MARK_BYTES = 64;
/** The manager's messages to a client are marked with its id, in the same way. */
const MANAGER_MARK_BYTES = 1_000;

/** A manager, whose ends of all connections, by id, answer as go-peer does. */
async function startManager(
  name: string,
  encryption: boolean,
  more = {},
): Promise<{ manager: ServerManager; ends: Map<number, OurEnd> }> {
  const manager = await startServerManager({ name, directory, encryption, ...PATIENT, ...more });
  const ends = new Map<number, OurEnd>();
  manager.on("connection", (connection) => void ends.set(connection.id, new OurEnd(connection)));
  return { manager, ends };
}

const filesOf = (name: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.startsWith(name))
    .sort();

/** Gives the manager's only connection, which has this id. */
function theOnly(manager: ServerManager, id: number): ServerConnection {
  expect([...manager.connections.keys()]).toEqual([id]);
  return manager.connections.get(id) as ServerConnection;
}

for (const encryption of [true, false]) {
  describeWithGo(`our manager, ${encryption ? "encrypted" : "plain"}`, (goPeer) => {
    const goClient = (name: string, multiClient: boolean): GoPeer =>
      new GoPeer(goPeer, { role: "client", name, encryption, multiClient, timeoutMs: 0 });

    it(
      "serves ten Go clients and twenty of ours by both endpoints at the same time, and none gets the messages of another",
      LONG,
      async ({ onTestFinished }) => {
        const name = uniqueName();
        const { manager, ends } = await startManager(name, encryption);
        await using _manager = manager;
        const gos = Array.from({ length: 10 }, (_, n) => goClient(name, n % 2 === 0));
        onTestFinished(async () => {
          await Promise.all(gos.map((go) => go[Symbol.asyncDispose]()));
        });
        const [clients] = await Promise.all([
          Promise.all(
            Array.from({ length: 20 }, (_, n) =>
              startClient({ name, directory, encryption, multiClient: n % 2 === 0, ...PATIENT }),
            ),
          ),
          ...gos.map((go) => go.start()),
        ]);
        onTestFinished(() => {
          for (const client of clients) client.destroy();
        });
        await eventually(() => expect(ends.size).toBe(30));
        // All slots have their clients.
        const slots = [...gos, ...clients].filter((_end, index) => index % 2 === 0).map(({ clientId }) => clientId);
        expect(filesOf(name)).toEqual(
          [`${name}.sock`, `${name}_manager.sock`, ...slots.map((id) => `${name}${id}.sock`)].sort(),
        );

        const ours = clients.map((client) => new OurEnd(client));
        const converse = async (end: GoPeer | OurEnd, index: number): Promise<void> => {
          const size = MARK_BYTES + index;
          await end.echo({ type: 1 + index, count: 20, size });
          await end.send({ count: MESSAGES, size });
          expect(await end.report()).toMatchObject(tallyOf({ count: MESSAGES, size }));
        };
        const address = async ([id, end]: [number, OurEnd]): Promise<void> => {
          const size = MANAGER_MARK_BYTES + id;
          await end.send({ count: MESSAGES, size });
          expect(await end.report()).toMatchObject(tallyOf({ count: MESSAGES, size }));
        };
        await Promise.all([...[...gos, ...ours].map(converse), ...[...ends].map(address)]);

        // Each connection had one client's messages, and each client its own.
        expect([...ends.values()].map(({ lengths }) => lengths.size)).toEqual(new Array(30).fill(1));
        const marks = [...ends].map(([id, { lengths }]) => ({ id, mark: [...lengths][0] as number }));
        expect(marks.map(({ mark }) => mark).sort((a, b) => a - b)).toEqual(
          Array.from({ length: 30 }, (_, index) => MARK_BYTES + index),
        );
        for (const [index, { clientId }] of [...gos, ...clients].entries()) {
          if (index % 2 === 0) expect(marks).toContainEqual({ id: clientId, mark: MARK_BYTES + index });
        }
        for (const [index, { lengths }] of ours.entries()) {
          const mark = MARK_BYTES + gos.length + index;
          const id = marks.find((found) => found.mark === mark)?.id as number;
          expect([...lengths].sort((a, b) => a - b)).toEqual([mark, MANAGER_MARK_BYTES + id]);
        }

        await Promise.all([...gos, ...clients].map((end) => end.close()));
        await Promise.all([...ours, ...ends.values()].map(({ ended }) => ended));
        expect(manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
        expect(gos.flatMap(({ errors }) => errors)).toEqual([]);
        await manager.close();
        expect(filesOf(name)).toEqual([]);
      },
    );

    it("keeps the slots of Go clients that have gone, and frees them when it closes", async () => {
      const name = uniqueName();
      const { manager, ends } = await startManager(name, encryption);
      await using _manager = manager;
      await using go = goClient(name, true);
      const others = [`${name}.sock`, `${name}_manager.sock`];
      const ids = [1, 2, 3, 4, 5];
      for (const id of ids) {
        await go.start();
        expect(go.clientId).toBe(id);
        await go.echo({ count: 3, size: 1_000 });
        await go.close();
        await ends.get(id)?.ended;
      }
      expect(manager.connections.size).toBe(0);
      expect(filesOf(name)).toEqual([...others, ...ids.map((id) => `${name}${id}.sock`)].sort());
      await manager.close();
      expect(filesOf(name)).toEqual([]);
      expect(go.errors).toEqual([]);
    });

    it.each(["close", "destroy"] as const)(
      "accepts a Go client again under the same id after a connection that ends by %s, and rejects others as busy",
      LONG,
      async (end) => {
        const name = uniqueName();
        const { manager } = await startManager(name, encryption);
        await using _manager = manager;
        await using go = goClient(name, true);
        await go.start();
        await go.status("Connected");
        const seen = new Set<ServerConnection>();
        for (let visit = 0; visit < 5; visit++) {
          const connection = await eventually(() => theOnly(manager, 1));
          expect(seen).not.toContain(connection);
          seen.add(connection);
          await go.echo({ count: 3, size: 64 });
          const stranger = startClient({ name: `${name}1`, directory, encryption, retry: false });
          await expect(stranger).rejects.toMatchObject({ code: "IPC_SERVER_BUSY" });
          await connection[end]();
          await go.status("Reconnecting");
          await go.status("Connected");
        }
        expect(go.errors).toEqual([]);
      },
    );

    it("rejects Go clients at both endpoints when it is full, and they report that at once", async () => {
      const name = uniqueName();
      const { manager } = await startManager(name, encryption, { maxConnections: 1 });
      await using _manager = manager;
      const refused: string[] = [];
      manager.on("refused", ({ code }) => refused.push(code));
      await using first = goClient(name, true);
      await using plain = goClient(name, false);
      await using multi = goClient(name, true);
      await first.start();
      // golang-ipc's words for hello 02 FF; it would wait for ever where it is not told.
      for (const other of [plain, multi]) {
        await expect(other.start()).rejects.toThrow(/without encryption|max message length/);
      }
      await first.echo({ count: 1, size: 64 });
      expect(refused).toEqual(["IPC_SERVER_BUSY", "IPC_SERVER_BUSY"]);
    });

    it("opens no slot for the Go client of an earlier manager, and serves a new one", async () => {
      const name = uniqueName();
      const startAgain = async (): Promise<ServerManager> => {
        await using go = goClient(name, true);
        {
          const { manager } = await startManager(name, encryption);
          await using _manager = manager;
          await go.start();
          await go.echo({ count: 1, size: 64 });
        }
        await go.status("Reconnecting");
        const { manager } = await startManager(name, encryption);
        expect(filesOf(name)).toEqual([`${name}.sock`, `${name}_manager.sock`]);
        return manager;
      };
      await using _manager = await startAgain();
      // The process of the first client has ended: it would redial slot 1 until then, also after its close.
      await using other = goClient(name, true);
      await other.start();
      expect(other.clientId).toBe(1);
      await other.echo({ count: 3, size: 64 });
      expect(other.errors).toEqual([]);
    });

    it("serves a Go client that was started before it", async () => {
      const name = uniqueName();
      await using go = goClient(name, true);
      const starting = go.start();
      const { manager } = await startManager(name, encryption);
      await using _manager = manager;
      await starting;
      await go.echo({ count: 1, size: 64 });
    });
  });
}
