import { describe, expect, it } from "vitest";
import { collect, failureOf, nextEvent, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { pair } from "../test/paired.js";

const FOREVER_MS = 1_000_000;

describe("drain of a client", () => {
  it("notifies the server, and closes the client", async () => {
    const { client, session } = await pair();
    const drains = collect(session, "draining");
    const ended = nextEvent(session, "close");
    await client.drain({ timeoutMs: FOREVER_MS });
    await ended;
    expect([drains.length, client.status]).toEqual([1, "Closed"]);
  });

  it("does not redial when the server ends the connection during the drain", async () => {
    const { client, session } = await pair();
    await readUntil(client, "Connected");
    const lost = nextEvent(client, "lost");
    const drained = client.drain({ timeoutMs: FOREVER_MS });
    await session.close();
    expect(await lost).toMatchObject({ code: "IPC_PEER_CLOSED" });
    await drained;
    expect(await readToEnd(client)).toEqual(["Disconnected", "Closing", "Closed", "IPC_CLOSED"]);
  });

  it("ends redialling", async () => {
    const { client, session, far } = await pair({ retryMs: FOREVER_MS });
    await far.close();
    await session.close();
    await readUntil(client, "Reconnecting");
    await client.drain({ timeoutMs: FOREVER_MS });
    expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
  });
});

it("a client that drains in the handshake of a redial ends it, and rejects the calls that wait for it with IPC_CLOSED", async () => {
  const { client, session, far } = await pair({ writeWhileReconnecting: "wait" });
  await session.close();
  const server = new RawPeer(await far.next());
  const waiting = failureOf(client.write(1, "never"));
  await client.drain({ timeoutMs: FOREVER_MS });
  await server.gone;
  expect([client.status, (await waiting).code, far.connections]).toEqual(["Closed", "IPC_CLOSED", 2]);
});

it("a client of a draining server redials only after the connection has ended", async () => {
  const { client, session, far } = await pair();
  await readUntil(client, "Connected");
  const statuses: string[] = [];
  client.on("draining", () => statuses.push(client.status));
  const next = far.session();
  await session.drain({ timeoutMs: FOREVER_MS });
  await next;
  statuses.push(...(await readUntil(client, "Connected")));
  expect(statuses).toEqual(["Connected", "Reconnecting", "Connected"]);
});
