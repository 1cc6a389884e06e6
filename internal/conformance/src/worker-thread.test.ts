import { once } from "node:events";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker, type WorkerOptions } from "node:worker_threads";
import { messagePort, startClient, type Transport } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { runModule } from "../../testkit/src/child-process.js";
import { readData, readUntil } from "../../testkit/src/peer-watch.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const ENTRY = import.meta.resolve("@ipc/server");

/** The start of a thread counts as part of the handshake, and here it shares its cores. */
const PATIENT = { name: "orders", handshakeTimeoutMs: 20_000 };

const echoAt = (port: string): string => `
  const { parentPort, workerData } = require("node:worker_threads");
  import(${JSON.stringify(ENTRY)}).then(async ({ messagePort, startServer }) => {
    const server = await startServer({ ...${JSON.stringify(PATIENT)}, transport: messagePort(${port}) });
    for await (const message of server) await server.write(message.type, message.data);
  });`;

function start(text: string, options: WorkerOptions = {}): Worker {
  const worker = new Worker(text, { ...options, eval: true });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

/** Starts a thread that answers, and returns the transport to it. */
const threads: [string, () => { readonly worker: Worker; readonly transport: Transport }][] = [
  [
    "its parentPort",
    () => {
      const worker = start(echoAt("parentPort"));
      return { worker, transport: messagePort(worker) };
    },
  ],
  [
    "a port of a MessageChannel",
    () => {
      const { port1, port2 } = new MessageChannel();
      const worker = start(echoAt("workerData"), { workerData: port2, transferList: [port2] });
      return { worker, transport: messagePort(port1) };
    },
  ],
];

describe.each(threads)("a worker thread over %s", (_what, startThread) => {
  it("answers 1 MiB over a secure connection, and ends by itself when its client closes", async () => {
    const { worker, transport } = startThread();
    const ended = once(worker, "exit");
    const client = untilTestEnds(await startClient({ ...PATIENT, transport }));
    expect(client.security.mode).toBe("secure");
    const data = Buffer.alloc(1_048_576, "x");
    await client.write(7, data);
    const answer = await readData(client);
    expect(data.equals(answer.data)).toBe(true);
    await client.close();
    expect(await ended).toEqual([0]);
  });

  it("that is terminated is lost, and its client ends with IPC_PEER_GONE", async () => {
    const { worker, transport } = startThread();
    const client = untilTestEnds(await startClient({ ...PATIENT, transport }));
    await client.write(1, "there");
    await readData(client);
    await worker.terminate();
    await expect(readUntil(client, "never")).rejects.toMatchObject({ code: "IPC_PEER_GONE" });
  });
});

it("a thread that writes and exits has its messages read, and its server closes", async () => {
  const worker = start(`
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(ENTRY.replace("/server/", "/client/"))}).then(async ({ messagePort, startClient }) => {
      const client = await startClient({ ...${JSON.stringify(PATIENT)}, transport: messagePort(parentPort) });
      await client.write(1, "x".repeat(1_048_576));
      await client.write(2, "last");
      await client.close();
    });`);
  const server = untilTestEnds(await startServer({ ...PATIENT, transport: messagePort(worker) }));
  const types: number[] = [];
  for await (const message of server) types.push(message.type);
  expect(types).toEqual([1, 2]);
  expect(server.status).toBe("Closed");
});

it("a manager closes, and its loop ends, when its only client has closed", async () => {
  const { port1, port2 } = new MessageChannel();
  const manager = untilTestEnds(await startServerManager({ ...PATIENT, transport: messagePort(port1) }));
  const client = untilTestEnds(await startClient({ ...PATIENT, transport: messagePort(port2) }));
  await client.write(1, "hello");
  await client.close();
  const texts: string[] = [];
  for await (const { message } of manager) texts.push(message.text());
  expect(texts).toEqual(["hello"]);
  expect(manager.status).toBe("Closed");
});

it("a process ends by itself when client and thread have closed, and while a client is unreferenced", async () => {
  const outcome = await runModule(
    `
    import { MessageChannel, Worker } from "node:worker_threads";
    import { messagePort, startClient } from "@ipc/client";
    const text = ${JSON.stringify(echoAt("workerData"))};
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(text, { eval: true, execArgv: [], workerData: port2, transferList: [port2] });
    const client = await startClient({ ...${JSON.stringify(PATIENT)}, transport: messagePort(port1) });
    await client.write(1, "hello");
    while ((await client.read()).kind !== "data");
    await client.close();
    const next = new MessageChannel();
    const other = new Worker(text, { eval: true, execArgv: [], workerData: next.port2, transferList: [next.port2] });
    const idle = await startClient({ ...${JSON.stringify(PATIENT)}, transport: messagePort(next.port1) });
    other.unref();
    idle.unref();
    process.stdout.write(idle.status);`,
    HERE,
  );
  expect(outcome).toEqual({ code: 0, stdout: "Connected", stderr: "" });
});
