// Some of the clients of a fan-in from several processes, forked by the client's process: connects them, then sends with all
// of them whenever it is told how many messages. usage: fan-in-process.js ADAPTER DIRECTORY CLIENTS SIZE
import { adapterOf } from "./adapter-list.js";
import { connectProved, race } from "./workloads/fan-in.js";

const [name = "", directory = "", clients = "", size = ""] = process.argv.slice(2);
const place = { adapter: await adapterOf(name), directory, many: true, server: undefined };
const callers = await connectProved(place, Number(clients), Number(size));
process.on("message", (each: number) => {
  void race(callers, Number(size), each).then((times) => process.send?.(times));
});
process.once("disconnect", () => process.exit());
process.send?.("connected");
