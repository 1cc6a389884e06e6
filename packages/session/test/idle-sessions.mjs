// Counts the closures and byte arrays of a pair of idle sessions, and prints them as JSON. usage: idle-sessions.mjs OPTIONS
import { queryObjects } from "node:v8";
import { openSession } from "@ipc/session";
import { memoryPair } from "@ipc/transport";

const PAIRS = 50;
const options = JSON.parse(process.argv[2]);

/** Opens both sides, each with a listener, and has each send a message. */
async function openPair() {
  const [near, far] = memoryPair();
  const sides = await Promise.all([
    openSession(near, { ...options, role: "client" }),
    openSession(far, { ...options, role: "server" }),
  ]);
  const received = sides.map((side) => new Promise((resolve) => side.on("message", resolve)));
  for (const side of sides) void side.write(1, "hello");
  await Promise.all(received);
  return sides;
}

/** Counts what is reachable after a collection of the garbage. */
const count = () => [Function, Uint8Array].map((type) => queryObjects(type, { format: "count" }));

const open = [await openPair()];
const before = count();
for (let pair = 0; pair < PAIRS; pair++) open.push(await openPair());
// The process has one or two of its own that come and go; what each pair has is a whole number.
const [closures, byteArrays] = count().map((all, index) => Math.round((all - before[index]) / PAIRS));
for (const side of open.flat()) side.destroy();
console.log(JSON.stringify({ closures, byteArrays }));
