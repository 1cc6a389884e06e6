import { startClient } from "@ipc/client";
import { exampleOptions, waitBetweenSteps } from "@ipc-internal/example";
import { ECHO, NAME, PONG } from "./conversation.js";
import { measureRoundTrips } from "./round-trips.js";

const ROUND_TRIPS = 2_000;
const LARGE_BYTES = 1_048_576;
const CIPHERS = {
  plain: "not encrypted",
  compatible: "encrypted as golang-ipc does: ECDH P-384, AES-256-GCM",
  secure: "encrypted, in a secure session: tampering, replay, omission and truncation are detected",
} as const;

// The server may not be there yet: the client waits for it.
const client = await startClient({ name: NAME, ...exampleOptions() });
console.log(`connected to ${client.remote}`);
console.log(`the connection is ${CIPHERS[client.security.mode]}`);

let answers = 0;
while (answers < 3) {
  const message = await client.read();
  if (message.kind === "status") {
    console.log(`status: ${message.status}`);
    if (message.status === "Connected") await client.write(PONG, "Message from client - PONG");
  } else {
    console.log(`received type ${message.type}: "${message.text()}"`);
    answers++;
    await waitBetweenSteps();
    if (answers < 3) await client.write(PONG, `Message from client - PONG ${answers + 1}`);
  }
}

const small = await measureRoundTrips(client, ECHO, new Uint8Array(64), ROUND_TRIPS);
console.log(`round trip of 64 bytes, median of ${ROUND_TRIPS}: ${small.toFixed(0)} µs`);
const large = await measureRoundTrips(client, ECHO, new Uint8Array(LARGE_BYTES), 20);
console.log(`round trip of 1 MiB, median of 20: ${(large / 1_000).toFixed(1)} ms`);

await client.close();
console.log(`status: ${client.status}`);
