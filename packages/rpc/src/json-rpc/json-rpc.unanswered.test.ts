import { type Client, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { type FakePeer, fakePair } from "../../test/fake-peer.js";
import { type Any, over } from "../../test/json-rpc-over.js";

const request = (id: unknown) => ({ jsonrpc: "2.0", id, method: "get" });
const response = (id: unknown, result: unknown) => ({ jsonrpc: "2.0", id, result });

describe("a request is answered with -32097 when its connection is lost", () => {
  const lost = (id: number) => ({ id, error: { code: -32_097 } });

  test("also if it was written before the first one", async () => {
    const options = { name: "first", transport: new CutSockets() };
    const server: Server = untilTestEnds(await startServer(options));
    const near = over(server);
    void near.write(request(1));
    const client: Client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
    const far = over(client);
    await eventually(() => expect(far.received).toEqual([request(1)]));
    client.destroy();
    await eventually(() => expect(near.received).toMatchObject([lost(1)]));
  });

  test("also if a listener of `lost` has written it, and the connection after the lost session has none", async () => {
    const options = { name: "no_session", transport: new CutSockets() };
    const first = await startServer({ ...options, resume: true });
    const client = untilTestEnds(await startClient({ ...options, resume: true, retryMs: 1 }));
    let write = async (_message: Any): Promise<void> => {};
    client.once("lost", () => void write(request(2)));
    const near = over(client);
    write = near.write;
    await near.write(request(1));
    first.destroy();
    const second = untilTestEnds(await startServer(options));
    const far = over(second);
    await eventually(() => expect(far.received).toEqual([request(2)]));
    await eventually(() => expect(near.received).toMatchObject([lost(1)]));
    second.destroy();
    await eventually(() => expect(near.received).toMatchObject([lost(1), lost(2)]));
  });
});

describe("a request of the other side whose response is not sent", () => {
  async function scene() {
    const { client, server } = fakePair();
    const asked = over(client);
    const asking = over(server);
    const errors: Error[] = [];
    asking.writer.onError(([error]) => errors.push(error));
    await asked.write(request(1));
    server.deliver();
    const statuses = (): readonly FakePeer["status"][] => [client.status, server.status];
    return { asked, asking, errors, client, server, statuses };
  }

  test.each([
    ["is too large", "IPC_MESSAGE_TOO_LARGE", "ok"],
    ["cannot be encoded", undefined, 1n],
  ])("is answered with -32000 if it %s", async (_what, refuses, result) => {
    const { asked, asking, errors, client, server, statuses } = await scene();
    server.refuses = refuses;
    const written = asking.write(response(1, result));
    server.refuses = undefined;
    await expect(written).rejects.toThrow();
    client.deliver();
    expect(errors).toMatchObject([refuses === undefined ? { name: "TypeError" } : { code: refuses }]);
    expect(asked.received).toMatchObject([{ id: 1, error: { code: -32_000 } }]);
    expect(statuses()).toEqual(["Connected", "Connected"]);
  });

  test("ends the connection if an error finds no room in the queue either, also when a listener of errors throws", async () => {
    const { asked, asking, server, statuses } = await scene();
    const removed = asking.writer.onError(() => {
      removed.dispose();
      throw new Error("of the listener");
    });
    server.refuses = "IPC_QUEUE_FULL";
    await expect(asking.write(response(1, "ok"))).rejects.toThrow("of the listener");
    await eventually(() => expect(asked.received).toMatchObject([{ id: 1, error: { code: -32_097 } }]));
    expect(statuses()).toEqual(["Reconnecting", "Disconnected"]);
  });

  test("is reported once, and nothing else is sent, while its side closes", async () => {
    const { asking, errors, server, statuses } = await scene();
    server.refuses = "IPC_CLOSED";
    await expect(asking.write(response(1, "ok"))).rejects.toMatchObject({ code: "IPC_CLOSED" });
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    expect(errors).toMatchObject([{ code: "IPC_CLOSED" }]);
    expect(statuses()).toEqual(["Connected", "Connected"]);
  });
});

test("a request of this side with an id of more than 1 024 characters is a RangeError, because it would get no answer", async () => {
  const { client, server } = fakePair();
  const { write } = over(client);
  const { received } = over(server);
  await expect(write(request("x".repeat(1_025)))).rejects.toThrow(RangeError);
  await write(request("x".repeat(1_024)));
  server.deliver();
  expect(received).toHaveLength(1);
});
