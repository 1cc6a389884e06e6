import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "@ipc/server";
import { memory, type Transport, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { collect } from "../test/served.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const TRANSPORTS: [string, () => Transport][] = [
  ["unix sockets", () => unixSocket({ directory: temporaryDirectory() })],
  ["memory", () => memory()],
];

describe.each(TRANSPORTS)("a service `worker1` beside the manager `worker`, over %s,", (_words, create) => {
  async function start(): Promise<{ transport: Transport; manager: ServerManager }> {
    const transport = create();
    return { transport, manager: untilTestEnds(await startServerManager({ name: "worker", transport })) };
  }

  it("starts as long as no client has requested an id, and keeps its name", async () => {
    const { transport } = await start();
    const server = untilTestEnds(await startServer({ name: "worker1", transport }));
    expect((await openFarSlot(transport, "worker")).id).toBe(2);
    const client = await openFarClient(transport, "worker1");
    await client.write(1, "for worker1");
    expect(await readUntil(server, "for worker1")).toEqual(["Connected", "for worker1"]);
  });

  it("gets no clients when it is down, and neither does the manager", async () => {
    const { transport, manager } = await start();
    const connections = collect(manager, "connection");
    const down = openFarClient(transport, "worker1");
    expect(await failureOf(down)).toMatchObject({ code: "IPC_NO_SERVER" });
    const { session } = await openFarSlot(transport, "worker");
    await eventually(() => expect(connections).toHaveLength(1));
    const busy = openFarClient(transport, "worker1");
    expect(await failureOf(busy)).toMatchObject({ code: "IPC_SERVER_BUSY" });
    await session.close();
    await eventually(() => expect(manager.connections.size).toBe(0));
    const left = openFarClient(transport, "worker1");
    // The slot announces the manager's name.
    expect(await failureOf(left)).toMatchObject({ code: "IPC_SECURITY_REFUSED" });
    expect(connections).toHaveLength(1);
  });

  it("is rejected with the manager that has its name as a slot, and starts 30 s after the slot's client has disconnected", async () => {
    const { transport, manager } = await start();
    const pass = stopClock();
    const taken = { code: "IPC_ADDRESS_IN_USE", message: expect.stringContaining("slot of manager `worker`") };
    const startWorker1 = (): Promise<unknown> => startServer({ name: "worker1", transport }).then(untilTestEnds);
    await askForId(transport, "worker");
    expect(await failureOf(startWorker1())).toMatchObject(taken);
    const session = await openFarClient(transport, "worker", {}, { kind: "slot", id: 1 });
    await eventually(() => expect(manager.connections.size).toBe(1));
    expect(await failureOf(startWorker1())).toMatchObject(taken);
    expect(await failureOf(startServerManager({ name: "worker1", transport }))).toMatchObject(taken);
    await session.close();
    await eventually(() => expect(manager.connections.size).toBe(0));
    pass(29_999);
    expect(await failureOf(startWorker1())).toMatchObject(taken);
    pass(1);
    await startWorker1();
  });
});

it("ends an id request after 32 names that another program has taken, and answers the next request with a name behind them", async () => {
  const directory = temporaryDirectory();
  for (let id = 1; id <= 40; id++) writeFileSync(join(directory, `worker${id}.sock`), "");
  const manager = untilTestEnds(await startServerManager({ name: "worker", directory }));
  const refused = collect(manager, "refused");
  const failing = await failureOf(askForId(directory, "worker"));
  expect(failing).toMatchObject({ code: expect.stringMatching(/^IPC_/) });
  expect(refused).toMatchObject([
    [{ code: "IPC_ADDRESS_IN_USE", message: expect.stringContaining("32 addresses in a row are in use") }],
  ]);
  expect((await askForId(directory, "worker")).id).toBe(41);
  expect(readdirSync(directory)).toHaveLength(40 + 1 + 2);
});
