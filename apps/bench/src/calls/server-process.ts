// The server of one contestant. usage: server-process.js NAME PATH
import { contestantOf } from "./contestant.js";

const [, , name = "", path = ""] = process.argv;
await (await contestantOf(name)).listen(path);
process.send?.("listening");
process.once("disconnect", () => process.exit());
