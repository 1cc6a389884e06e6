// Measures one contestant's calls in a process of its own, and prints what came of it as one line of JSON.
// usage: calls/client-process.js NAME ORDER
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallOrder, encodeOutcome } from "../order.js";
import { measureCalls } from "./measure.js";

const [name = "", text = ""] = process.argv.slice(2);
const order = JSON.parse(text) as CallOrder;
const directory = await mkdtemp(join(tmpdir(), "ipc-calls-"));
try {
  process.stdout.write(encodeOutcome(await measureCalls(name, join(directory, "s.sock"), order)));
} finally {
  await rm(directory, { recursive: true });
}
process.exit();
