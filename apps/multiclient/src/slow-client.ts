import { answerPings } from "./answering.js";

const THINK_MS = 300;

await answerPings(THINK_MS);
