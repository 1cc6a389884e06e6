// One side of a conversation, on whatever runtime starts it: peer.mjs ROLE NAME DIRECTORY COUNT. It prints what happens, line by line.
import { startClient, unixSocket } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { method, rpc, serve, stream } from "@ipc/rpc";
import { startServer } from "@ipc/server";

const [role, name, directory, count] = process.argv.slice(2);
// Windows has neither directories of sockets nor key files.
const options =
  process.platform === "win32"
    ? { name, security: { psk: Buffer.alloc(32, 7) } }
    : { name, transport: unixSocket({ directory }), security: { keyFile: `${directory}/key` } };

const contract = { double: method(), count: stream() };

const ROLES = {
  async server() {
    const server = await startServer(options);
    console.log("listening");
    for await (const message of server) await server.write(message.type, message.data);
  },

  async manager() {
    const manager = await startServerManager(options);
    console.log("listening");
    for await (const { connection, message } of manager) await connection.write(message.type, message.data);
  },

  /** Sends numbered messages, expects them back in order, and prints the mode. */
  async client() {
    const client = await startClient(options);
    const sending = (async () => {
      for (let number = 1; number <= count; number++) await client.write(number, `message ${number}`);
    })();
    let received = 0;
    for await (const message of client) {
      received++;
      if (message.type !== received || message.text() !== `message ${received}`) throw new Error(`got ${message.type}`);
      if (received === Number(count)) break;
    }
    await sending;
    console.log(`${client.security.mode}, ${received} echoed`);
    await client.close();
  },

  async callee() {
    const manager = await startServerManager(options);
    serve(manager, contract, {
      double: (number) => number * 2,
      async *count(last) {
        for (let number = 1; number <= last; number++) yield number;
      },
    });
    console.log("listening");
  },

  /** Makes calls at once, then reads a stream. */
  async caller() {
    const client = await startClient(options);
    const api = rpc(client).remote(contract);
    const calls = Array.from({ length: Number(count) }, async (_, number) => (await api.double(number)) === number * 2);
    const answered = (await Promise.all(calls)).filter((isRight) => isRight).length;
    let items = 0;
    for await (const item of api.count(Number(count))) if (item === items + 1) items++;
    console.log(`${answered} answered, ${items} items`);
    await client.close();
  },

  /** Connects many clients, which all exchange a message at once. */
  async crowd() {
    const clients = await Promise.all(Array.from({ length: Number(count) }, () => startClient(options)));
    const answers = clients.map(async (client, number) => {
      await client.write(number + 1, `message ${number}`);
      const { value } = await client[Symbol.asyncIterator]().next();
      await client.close();
      return value.type === number + 1 && value.text() === `message ${number}`;
    });
    console.log(`${(await Promise.all(answers)).filter((isRight) => isRight).length} answered`);
  },

  /** Prints each echo; sends again when it is connected again. */
  async redial() {
    const client = await startClient(options);
    client.on("lost", (error) => console.log(error.code));
    client.on("status", (status) => {
      if (status === "Connected") void client.write(2, "again");
    });
    client.on("message", async (message) => {
      console.log(message.text());
      if (message.type === 2) await client.close();
    });
    await client.write(1, "first");
  },
};

await ROLES[role]();
