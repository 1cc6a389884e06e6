import { type Client, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { failureOf, readData, readToEnd, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";
const MAX_MESSAGE_SIZE = 3_145_728;

async function connect(encryption: boolean): Promise<{ server: Server; client: Client }> {
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name, directory, encryption }));
  const client = untilTestEnds(await startClient({ name, directory, encryption }));
  await readUntil(server, "Connected");
  await readUntil(client, "Connected");
  return { server, client };
}

const TO_CLIENT =
  "Here is a test message sent from the server to the client... -/and some more test data to pad it out a bit";
const TO_SERVER =
  "Here is a test message sent from the client to the server... -/and some more test data to pad it out a bit";

describe.each([
  ["encrypted", true],
  ["plain", false],
])("%s", (_words, encryption) => {
  describe("TestWrite", () => {
    it("type 0 is reserved", async () => {
      const { server, client } = await connect(encryption);
      for (const peer of [server, client]) {
        const error = await failureOf(peer.write(0, new Uint8Array(1)));
        expect(error).toBeInstanceOf(RangeError);
        expect(error.message).toContain("message type 0 is reserved");
      }
    });

    it("a message over the limit is refused with both figures, and the next one is sent", async () => {
      const { server, client } = await connect(encryption);
      for (const [from, to] of [
        [server, client],
        [client, server],
      ] as const) {
        expect(await failureOf(from.write(2, new Uint8Array(MAX_MESSAGE_SIZE + 5)))).toMatchObject({
          code: "IPC_MESSAGE_TOO_LARGE",
          message: expect.stringContaining("message too large: 3145733 bytes, limit 3145728"),
        });
        await from.write(2, "still here");
        expect((await readData(to)).text()).toBe("still here");
      }
    });

    it("nothing is written without a connection, and the error names the status", async () => {
      const { server, client } = await connect(encryption);
      await client.close();
      expect(await failureOf(client.write(2, new Uint8Array(5)))).toMatchObject({
        code: "IPC_CLOSED",
        message: expect.stringContaining("(status: Closed)"),
      });
      await readUntil(server, "Disconnected");
      expect(await failureOf(server.write(2, new Uint8Array(5)))).toMatchObject({
        code: "IPC_NOT_CONNECTED",
        message: expect.stringContaining("(status: Disconnected)"),
      });
    });
  });

  describe("TestRead", () => {
    it("both sides read what came before the end, and then that it is over", async () => {
      const { server, client } = await connect(encryption);
      await client.write(1, "message 1");
      await client.write(1, "message 2");
      await client.close();
      expect(await readUntil(server, "Disconnected")).toEqual(["message 1", "message 2", "Disconnected"]);
      await server.close();
      expect(await readToEnd(server)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);

      const { server: second, client: reader } = await connect(encryption);
      await second.write(1, "message 1");
      await second.write(1, "message 2");
      expect(await readUntil(reader, "message 2")).toEqual(["message 1", "message 2"]);
      await reader.close();
      expect(await readToEnd(reader)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
    });
  });

  const TYPED = [
    ["TestServerWrongMessageType", "client", 2],
    ["TestClientWrongMessageType", "server", 2],
    ["TestServerCorrectMessageType", "server", 5],
    ["TestClientCorrectMessageType", "client", 5],
  ] as const;
  describe.each(TYPED)("%s", (_test, writer, type) => {
    it(`type ${type} from the ${writer} arrives as ${type}, also without data`, async () => {
      const { server, client } = await connect(encryption);
      const [from, to] = writer === "server" ? [server, client] : [client, server];
      await from.write(type, "");
      await from.write(type, "hello");
      expect(await readData(to)).toMatchObject({ type, data: new Uint8Array() });
      const message = await readData(to);
      expect([message.type, message.text()]).toEqual([type, "hello"]);
    });
  });

  describe("TestServerSendMessage", () => {
    it("the client reads the server's words", async () => {
      const { server, client } = await connect(encryption);
      await server.write(5, TO_CLIENT);
      const message = await readData(client);
      expect([message.type, message.text()]).toEqual([5, TO_CLIENT]);
    });
  });

  describe("TestClientSendMessage", () => {
    it("the server reads the client's words", async () => {
      const { server, client } = await connect(encryption);
      await client.write(5, TO_SERVER);
      const message = await readData(server);
      expect([message.type, message.text()]).toEqual([5, TO_SERVER]);
    });
  });
});
