import type { Duplex } from "node:stream";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { memoryPair } from "@ipc/transport";
import { expect, it } from "vitest";
import { FaultyLink } from "./faulty-link.js";

interface End {
  readonly stream: Duplex;
  readonly heard: number[];
}

function endOf(stream: Duplex): End {
  const heard: number[] = [];
  stream.on("data", (chunk: Uint8Array) => heard.push(...chunk));
  return { stream, heard };
}

function link(): { readonly link: FaultyLink; readonly client: End; readonly server: End; readonly passed: number[] } {
  const [client, clientsEnd] = memoryPair();
  const [server, serversEnd] = memoryPair();
  const passed: number[] = [];
  const made = new FaultyLink({ client: clientsEnd, server: serversEnd, remote: "test" }, (bytes) =>
    passed.push(bytes),
  );
  return { link: made, client: endOf(client), server: endOf(server), passed };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextMacrotask();
}

it("passes everything on before its fault, and counts it", async () => {
  const { client, server, passed } = link();
  client.stream.write(Uint8Array.of(1, 2, 3));
  server.stream.write(Uint8Array.of(4));
  await turns();
  expect([server.heard, client.heard, passed.sort()]).toEqual([[1, 2, 3], [4], [1, 3]]);
});

it("cuts both sides after the planned byte", async () => {
  const { link: made, client, server } = link();
  made.fail({ kind: "cut", direction: "toServer", bytes: 2 });
  client.stream.write(Uint8Array.of(1, 2, 3));
  await turns();
  expect([server.heard, client.stream.destroyed, server.stream.destroyed]).toEqual([[1, 2], true, true]);
});

it("holds what comes after the planned byte, hides the cut from the server, and passes it on late", async () => {
  const { link: made, client, server } = link();
  made.fail({ kind: "hold", direction: "toServer", bytes: 2 });
  client.stream.write(Uint8Array.of(1, 2, 3));
  await turns();
  expect([server.heard, client.stream.destroyed, server.stream.destroyed]).toEqual([[1, 2], true, false]);
  made.release();
  await turns();
  expect([server.heard, server.stream.destroyed]).toEqual([[1, 2, 3], false]);
});

it("loses what a server sends after the planned byte, and hides the cut from the server", async () => {
  const { link: made, client, server } = link();
  made.fail({ kind: "hold", direction: "toClient", bytes: 2 });
  server.stream.write(Uint8Array.of(1, 2, 3));
  await turns();
  made.release();
  await turns();
  expect([client.heard, client.stream.destroyed, server.stream.destroyed]).toEqual([[1, 2], true, false]);
});

it("fails at once when no more bytes may pass", async () => {
  const { link: made, client } = link();
  made.fail({ kind: "hold", direction: "toClient", bytes: 0 });
  await turns();
  expect(client.stream.destroyed).toBe(true);
});
