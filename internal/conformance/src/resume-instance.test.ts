import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { expect, test } from "vitest";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

test("a client that resumes tells the transport which server has its session, and only when it comes back", async () => {
  const transport = new CutTransport();
  const asked: unknown[] = [];
  const announced: unknown[] = [];
  const { dial, listen } = transport;
  transport.dial = (place, endpoint, options) => {
    asked.push(options.instance);
    return dial(place, endpoint, options);
  };
  transport.listen = (place, endpoint, onStream, options) => {
    announced.push(options.instance);
    return listen(place, endpoint, onStream, options);
  };
  const server = untilTestEnds(await startServer({ name, transport, resume: true }));
  const client = untilTestEnds(await startClient({ name, transport, resume: true, retryMs: 1 }));
  transport.cut();
  await eventually(() => expect(client.stats.resumes).toBe(1));
  expect(asked).toEqual([undefined, ...announced]);
  await server.close();
  untilTestEnds(await startServer({ name, transport, resume: true }));
  await client.connected();
  expect(new Set(asked)).toEqual(new Set([undefined, announced[0]]));
  expect(asked.at(-1)).toBeUndefined();
});
