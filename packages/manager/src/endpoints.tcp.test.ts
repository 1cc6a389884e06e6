import { setImmediate } from "node:timers/promises";
import { clientIdRequest } from "@ipc/session/internal";
import { memory, tcp } from "@ipc/transport";
import { expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { collect } from "../test/served.js";
import { startServerManager } from "./server-manager.js";

const name = "orders";

/** How many listening sockets of this process are open. */
function countServers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "TCPServerWrap").length;
}

it("over TCP, a manager listens at one port, and counts every connection as a client at once, whatever it sends", async () => {
  const before = countServers();
  const manager = untilTestEnds(await startServerManager({ name, transport: tcp({ port: 0 }) }));
  expect(countServers() - before).toBe(1);
  const connections = collect(manager, "connection");
  const words: string[] = [];
  manager.on("message", ({ id }, message) => words.push(`${id} ${message.type} ${message.text()}`));
  stopClock();
  const client = await openFarClient(tcp({ port: Number(manager.address.split(":").at(-1)) }), name);
  await eventually(() => expect(connections.map(([{ id }]) => id)).toEqual([1]));
  await client.writeMessage(clientIdRequest);
  await client.write(1, "hello");
  await eventually(() => expect(words).toEqual(["1 12 client_id_request", "1 1 hello"]));
  await setImmediate();
  expect(client.stats.messagesReceived).toBe(0);
});

it("over memory(), a manager has all three endpoints, and frees them when it closes", async () => {
  const transport = memory();
  const manager = untilTestEnds(await startServerManager({ name, transport }));
  const connections = collect(manager, "connection");
  await openFarSlot(transport, name);
  await openFarClient(transport, name);
  await eventually(() => expect(connections.map(([{ id }]) => id)).toEqual([1, 2]));
  await manager.close();
  for (const endpoint of [{ kind: "name" }, { kind: "manager" }, { kind: "slot", id: 1 }] as const) {
    expect(await failureOf(transport.dial(name, endpoint, {}))).toMatchObject({ code: "IPC_NO_SERVER" });
  }
});
