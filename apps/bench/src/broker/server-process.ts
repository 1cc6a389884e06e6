// The server of the measurements over a broker: of NATS alone and of @ipc, in one process. Arguments: the broker's address, the key.
import { startServerManager } from "@ipc/manager";
import { nats } from "@ipc/transport-nats";
import { processMemory } from "../process-memory.js";
import { cpuUs } from "../processor-time.js";
import { connect } from "./nats-package.js";
import { NAME, type ServerFigures, SUBJECT, TYPE } from "./protocol.js";

const [, , servers = "", key = ""] = process.argv;
const connection = await connect(servers);
const received = { bare: 0, ours: 0 };

connection.subscribe(SUBJECT.echo, { callback: (_error, message) => void message.respond(message.data) });
connection.subscribe(SUBJECT.oneWay, { callback: () => void received.bare++ });
connection.subscribe(SUBJECT.count, { callback: (_error, message) => void message.respond(String(received.bare)) });

const manager = await startServerManager({
  name: NAME,
  transport: nats(connection),
  security: { psk: Buffer.from(key, "hex") },
});
manager.on("message", (_connection, message) => {
  if (message.type === TYPE.echo) void message.reply(TYPE.echo, message.data);
  else if (message.type === TYPE.oneWay) received.ours++;
  else void message.reply(TYPE.count, String(received.ours));
});

process.on("message", (what) => void (what === "memory" ? tellMemory() : tellFigures()));
process.send?.("ready");

async function tellMemory(): Promise<void> {
  process.send?.((await processMemory()).rss);
}

function tellFigures(): void {
  const { inMsgs: inMessages, outMsgs: outMessages } = connection.stats();
  const figures: ServerFigures = { cpuUs: cpuUs(), inMessages, outMessages };
  process.send?.(figures);
}
