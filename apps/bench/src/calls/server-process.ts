// The server of one contestant. usage: server-process.js NAME PATH
import { loadContestant } from "./contestant.js";

const [, , name = "", path = ""] = process.argv;
await (await loadContestant(name)).listen(path);
process.send?.("listening");
process.once("disconnect", () => process.exit());
