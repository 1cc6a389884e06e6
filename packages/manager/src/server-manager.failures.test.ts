import { expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { keepWarnings } from "../../../internal/testkit/src/process-warnings.js";
import { collect, nextEvent, nextTurn, send, serve, stall } from "../test/served.js";

it("a failed `message` listener of a manager loses the connection: unread messages, `lost`, Disconnected", async () => {
  keepWarnings();
  const { manager, visit } = await serve();
  const visitor = await visit();
  const { connection } = visitor;
  connection.pause();
  await send(visitor, "bad", "good");
  const seen: unknown[] = [];
  connection.on("status", (status) => void seen.push(status));
  connection.on("lost", ({ code }) => void seen.push(`lost ${code}`));
  const gone = nextEvent(manager, "disconnection");
  manager.on("message", async (_connection, message) => {
    seen.push(message.text());
    if (message.text() !== "bad") return;
    connection.pause();
    throw new Error("a mistake");
  });
  connection.resume();
  expect(await gone).toEqual([connection, expect.objectContaining({ code: "IPC_LISTENER_FAILED" })]);
  connection.resume();
  while (seen.at(-1) !== "Disconnected") await nextTurn();
  expect(seen).toEqual(["bad", "lost IPC_LISTENER_FAILED", "good", "Disconnected"]);
});

it("a write that waits when a listener of the manager fails rejects with IPC_LISTENER_FAILED", async () => {
  keepWarnings();
  const served = await serve({ encryption: false });
  const visitor = await served.visitRaw();
  await stall(visitor);
  const writes = [1, 2].map(() => failureOf(visitor.connection.write(1, new Uint8Array(900_000))));
  served.manager.on("message", () => {
    throw new Error("a mistake");
  });
  visitor.raw.stream.write(Buffer.from([0, 0, 0, 5, 0, 0, 0, 1, 97]));
  expect(await writes[1]).toMatchObject({ code: "IPC_LISTENER_FAILED" });
});

it("failures of a connection's listener and of its manager's cause one process warning", async () => {
  const warned = keepWarnings();
  const { manager, visit } = await serve();
  const fail = (): never => {
    throw new Error("a mistake");
  };
  const gone = collect(manager, "disconnection");
  manager.once("connection", (connection) => void connection.on("message", fail));
  manager.on("message", fail);
  for (let count = 0; count < 2; count++) {
    const { client } = await visit();
    await client.write(1, "a");
    while (gone.length <= count) await nextTurn();
  }
  expect(warned).toHaveLength(1);
});
