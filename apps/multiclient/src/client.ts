import { answerPings } from "./answering.js";

await answerPings(0);
