import type { DataMessage } from "@ipc/session";
import { expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { nextEvent, type Served, serve } from "../test/served.js";

/** The ways in which a manager's messages are read. */
const WAYS: Readonly<Record<string, (served: Served, got: (message: DataMessage) => void) => unknown>> = {
  "a loop for each client": ({ manager }, got) => {
    manager.on("connection", async (connection) => {
      for await (const message of connection) got(message);
    });
  },
  "a loop over all": async ({ manager }, got) => {
    for await (const { message } of manager) got(message);
  },
  "a listener": ({ manager }, got) => void manager.on("message", (_connection, message) => got(message)),
  polls: async ({ manager }, got) => {
    while (manager.status === "Listening") {
      await manager.readTimed(1, (_connection, message) => void (message.kind === "data" && got(message)));
    }
  },
};

it.each(Object.entries(WAYS))(
  "a reply to a message received by %s is sent over its own connection only",
  async (_way, read) => {
    const served = await serve();
    const messages = new Map<string, DataMessage>();
    // The loops end with their manager.
    Promise.resolve(read(served, (message) => messages.set(message.text(), message))).catch(() => {});
    const clients = await Promise.all(
      ["A", "B"].map(async (text) => {
        const { client } = await served.visit();
        await client.write(1, text);
        return client;
      }),
    );
    await eventually(() => expect(messages.size).toBe(2));
    for (const [text, message] of messages) await message.reply(2, `answer to ${text}`);
    for (const [index, text] of ["A", "B"].entries()) {
      const client = clients[index] ?? expect.unreachable();
      expect((await readData(client)).text()).toBe(`answer to ${text}`);
    }
    const gone = nextEvent(served.manager, "disconnection");
    await clients[0]?.close();
    await gone;
    expect(await failureOf(messages.get("A")?.reply(2, "late") ?? expect.unreachable())).toMatchObject({
      code: "IPC_CONNECTION_LOST",
    });
    await messages.get("B")?.reply(2, "in time");
    expect((await readData(clients[1] ?? expect.unreachable())).text()).toBe("in time");
  },
);
