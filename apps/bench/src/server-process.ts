// The server's end of a measurement, forked by the client's process. usage: server-process.js ADAPTER DIRECTORY MANY
import { adapterOf } from "./adapter-list.js";
import { Service } from "./service.js";

const [name = "", directory = "", many = "false"] = process.argv.slice(2);
const adapter = await adapterOf(name);
const service = new Service(adapter);
await adapter.listen(directory, (link) => service.accept(link), many === "true");
process.on("message", (message) => {
  if (message === "resume") service.resume();
});
process.once("disconnect", () => process.exit());
process.send?.("listening");
