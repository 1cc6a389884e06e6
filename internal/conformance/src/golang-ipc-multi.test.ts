import { join } from "node:path";
import { type Client, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { describe, expect, it } from "vitest";
import { openFarClient } from "../../testkit/src/far-client.js";
import { askForId } from "../../testkit/src/id-requester.js";
import { collect, nextEvent, readData, readUntil } from "../../testkit/src/peer-watch.js";
import { RawPeer } from "../../testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

interface Pool {
  readonly manager: ServerManager;
  readonly connect: () => Promise<Client>;
  /** Polls, as golang-ipc's tests do, until every connection together has given that many words; returns them. */
  readonly poll: (words: number) => Promise<string[]>;
}

async function startPool(): Promise<Pool> {
  const directory = temporaryDirectory();
  const manager = untilTestEnds(await startServerManager({ name, directory }));
  return {
    manager,
    connect: async () => untilTestEnds(await startClient({ name, directory, multiClient: true })),
    poll: async (words) => {
      const seen: string[] = [];
      while (seen.length < words) {
        await manager.readTimed(2_000, ({ id }, message) => {
          if (message.kind !== "timeout")
            seen.push(`${id} ${message.kind === "data" ? message.text() : message.status}`);
        });
      }
      return seen;
    },
  };
}

describe("TestServerReconnectMulti", () => {
  it("the manager serves a new client after the old one has closed", async () => {
    const { connect, poll } = await startPool();
    const first = await connect();
    await readUntil(first, "Connected");
    expect(await poll(1)).toEqual(["1 Connected"]);
    await first.close();
    const second = await connect();
    await readUntil(second, "Connected");
    const words = await poll(2);
    expect(words.sort()).toEqual(["1 Disconnected", "2 Connected"]);
    expect([first.clientId, second.clientId]).toEqual([1, 2]);
    await second.write(1, "hello");
    expect(await poll(1)).toEqual(["2 hello"]);
  });
});

describe("TestServerReconnect2Multi", () => {
  it("Connected, Disconnected, Connected, as often as clients come and go", async () => {
    const { manager, connect, poll } = await startPool();
    for (const id of [1, 2, 3, 4, 5]) {
      const client = await connect();
      await readUntil(client, "Connected");
      expect(await poll(1)).toEqual([`${id} Connected`]);
      await client.close();
      expect(await poll(1)).toEqual([`${id} Disconnected`]);
    }
    expect(manager.connections.size).toBe(0);
  });
});

// docs/UPSTREAM.md, row 8: a handshake that fails ends a Go server for good; ours tells 'refused' and goes on serving.
describe("TestServerReceiveWrongVersionNumberMulti", () => {
  it("refuses a client at a slot that says the version differs, and serves the client whose slot it is", async () => {
    const directory = temporaryDirectory();
    const manager = untilTestEnds(await startServerManager({ name, directory }));
    const errors = collect(manager, "error");
    await askForId(directory, name);
    const refused = nextEvent(manager, "refused");
    const raw = await RawPeer.connect(join(directory, "orders1.sock"));
    expect((await raw.read(2))[0]).toBe(2);
    raw.write(1);
    expect(await refused).toMatchObject({
      code: "IPC_VERSION_MISMATCH",
      message: expect.stringContaining("the client does not speak version 2"),
    });
    const client = await openFarClient(directory, name, {}, { kind: "slot", id: 1 });
    await client.write(1, "hello");
    expect((await readData(manager.connections.get(1) as ServerConnection)).text()).toBe("hello");
    expect(errors).toEqual([]);
  });
});
