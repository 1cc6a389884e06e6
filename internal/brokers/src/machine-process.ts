// One process of many: a server that echoes numbered messages and answers calls, or a client that writes them. Its argument is a MachineStart; it prints
// News, a line each, and ends after SIGTERM.
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type IpcError, type SessionLostError, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { serve as answer } from "@ipc/rpc";
import { type NatsConnectionLike, nats } from "@ipc/transport-nats";
import { type MachineStart, type News, orders } from "./machine.js";

// Its declarations do not compile with exactOptionalPropertyTypes, so they are not loaded.
const { connect } = createRequire(import.meta.url)("@nats-io/transport-node") as {
  readonly connect: (options: object) => Promise<NatsConnectionLike & { close(): Promise<void> }>;
};

/** How many messages a client has written and got no echo of. */
const AHEAD = 50;

const [, , argument = ""] = process.argv;
const { role, id, servers, psk, log, resume, answers, ...options } = JSON.parse(argument) as MachineStart;
const reconnect = { reconnectTimeWait: 100, maxReconnectAttempts: -1 };
const connection = await connect({ servers, ...reconnect, ...options.connection });
const common = {
  name: "orders",
  transport: nats(connection, options.transport),
  security: { psk: Buffer.from(psk, "hex") },
  ...(resume && { resume }),
};

const stop = role === "server" ? await serve() : await write();
process.once("SIGTERM", () => void stop().then(() => connection.close()));

function say(news: News): void {
  console.log(JSON.stringify(news));
}

/** Notes that the process has taken something; the file has it even if the process is killed in the next moment. */
function note(text: string): void {
  appendFileSync(log, `${text}\n`);
}

async function serve(): Promise<() => Promise<void>> {
  const manager = await startServerManager(common);
  if (answers === "calls") {
    answer(manager, orders, {
      price: async () => id,
      async pay(order) {
        note(order);
        await nextTurn();
        return id;
      },
    });
  } else {
    manager.on("message", (_connection, message) => {
      note(message.text());
      void message.reply(1, message.data).catch(() => {});
    });
  }
  manager.on("connection", () => say({ what: "connection" }));
  manager.on("disconnection", (_connection, error) => say({ what: "disconnection", code: error?.code }));
  say({ what: "ready" });
  return () => manager.drain();
}

function numberOf(text: string): number {
  return Number(text.slice(id.length + 1));
}

async function write(): Promise<() => Promise<void>> {
  const client = await startClient(common);
  const rejected: number[] = [];
  let [written, echoed, isWhole, isOver] = [0, 0, true, false];
  client.on("message", (message) => {
    note(message.text());
    echoed = numberOf(message.text());
    if (echoed % AHEAD === 0) say({ what: "echoed" });
  });
  client.on("status", (status) => {
    say({ what: "status", status });
    // Writes between two connections were rejected.
    if (resume === undefined) echoed = written;
  });
  client.on("lost", (error: IpcError) => {
    const { undelivered = [], unconfirmed = 0 } = error as Partial<SessionLostError>;
    const numbers = undelivered.map(({ data }) => numberOf(Buffer.from(data).toString()));
    say({ what: "lost", code: error.code, undelivered: numbers, unconfirmed });
    echoed = written;
    isWhole = false;
  });
  say({ what: "ready" });
  const writing = (async () => {
    const writes = new Set<Promise<unknown>>();
    while (!isOver) {
      const number = ++written;
      const done = client.write(1, `${id} ${number}`).catch(() => rejected.push(number));
      writes.add(done);
      void done.then(() => writes.delete(done));
      while (number - echoed >= AHEAD && !isOver) await nextTurn();
    }
    await Promise.all(writes);
  })();
  return async () => {
    isOver = true;
    await writing;
    while (isWhole && echoed < written) await nextTurn();
    await client.close();
    say({ what: "over", written, rejected });
  };
}
