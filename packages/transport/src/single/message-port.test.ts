import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { MessageChannel } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { turns } from "../../test/scratch.js";
import { messagePort } from "./message-port.js";

const NAME = { kind: "name" } as const;

/** Returns the two streams of a channel, the second one as a listener accepts it. */
async function streams(): Promise<[Duplex, Duplex]> {
  const { port1, port2 } = new MessageChannel();
  const accepted = new Promise<Duplex>((resolve) => void messagePort(port2).listen("orders", NAME, resolve, {}));
  const near = await messagePort(port1).dial("orders", NAME, {});
  const far = await accepted;
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}

const closed = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once("close", resolve));
const failed = (stream: Duplex): Promise<unknown> => new Promise((resolve) => stream.once("error", resolve));

test("carries 1 MiB in both directions, in order", async () => {
  const [near, far] = await streams();
  const data = Buffer.from(Array.from({ length: 1_048_576 }, (_, index) => index % 251));
  far.pipe(far);
  near.end(data);
  const chunks: Buffer[] = [];
  for await (const chunk of near) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(data)).toBe(true);
});

test("leaves the memory of a written chunk to the writer, and gives the reader a copy", async () => {
  const [near, far] = await streams();
  const pooled = Buffer.from("hello");
  await new Promise((resolve) => near.write(pooled, resolve));
  pooled.fill("x");
  const [chunk] = await new Promise<Buffer[]>((resolve) => far.once("data", (...args) => resolve(args)));
  expect(String(chunk)).toBe("hello");
  expect(chunk?.buffer.byteLength).toBe(5);
  expect(String(pooled)).toBe("xxxxx");
});

test("makes a writer wait once 256 KiB and the reader's buffer are full, and resumes when they are read", async () => {
  const [near, far] = await streams();
  far.pause();
  let written = 0;
  for (let chunk = 0; chunk < 32; chunk++) near.write(Buffer.alloc(65_536), () => written++);
  await turns(50);
  expect(written * 65_536).toBeLessThanOrEqual(262_144 + 2 * 65_536);
  expect(far.readableLength).toBeLessThanOrEqual(2 * 65_536);
  far.resume();
  near.resume();
  near.end();
  await closed(near);
  expect(written).toBe(32);
});

test("ends at the other side, which still writes its queued data", async () => {
  const [near, far] = await streams();
  far.write("late ");
  far.write("words");
  near.end("done");
  expect(await Promise.all([text(near), text(far)])).toEqual(["late words", "done"]);
});

test("emits 'end' at the other side when destroyed, and ECONNRESET when destroyed with unread data", async () => {
  const [near, far] = await streams();
  near.destroy();
  expect(await text(far)).toBe("");

  const [one, other] = await streams();
  one.write("unread");
  other.pause();
  await turns(5);
  const reset = failed(one);
  other.destroy();
  expect(await reset).toMatchObject({ code: "ECONNRESET" });
});

test("settles a waiting write when it is destroyed, and ends when its port has closed", async () => {
  const [near, far] = await streams();
  far.pause();
  const stuck = new Promise((resolve) => near.write(Buffer.alloc(1_048_576), resolve));
  await turns(5);
  near.destroy();
  expect(await stuck).toMatchObject({ code: "ECANCELED" });

  const { port1, port2 } = new MessageChannel();
  const stream = await messagePort(port1).dial("orders", NAME, {});
  port2.close();
  expect(await text(stream)).toBe("");
  expect(stream.writable).toBe(false);
});

test.each([
  ["a message of another kind", { hello: 1 }],
  ["a count of bytes that were never posted", 1],
  ["more than 256 KiB at once", new ArrayBuffer(262_145)],
  ["no bytes", new ArrayBuffer(0)],
])("is destroyed by %s", async (_what, message) => {
  const { port1, port2 } = new MessageChannel();
  const stream = await messagePort(port1).dial("orders", NAME, {});
  const failure = failed(stream);
  port2.postMessage(message);
  expect(await failure).toMatchObject({ code: "IPC_TRANSPORT_FAILED" });
});

test("has one connection: rejects another while it is in use and after it has ended", async () => {
  const { port1 } = new MessageChannel();
  const transport = messagePort(port1);
  const stream = await transport.dial("orders", NAME, {});
  await expect(transport.dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  stream.destroy();
  await expect(transport.listen("orders", NAME, () => {}, {})).rejects.toMatchObject({ code: "IPC_PEER_GONE" });
});

test("ends the connection when the listener closes before it accepts, and calls onEnded at the end of an accepted one", async () => {
  const { port1, port2 } = new MessageChannel();
  const near = await messagePort(port1).dial("orders", NAME, {});
  const listener = await messagePort(port2).listen("orders", NAME, () => {}, {});
  await listener.close();
  expect(await text(near)).toBe("");

  const next = new MessageChannel();
  const other = await messagePort(next.port1).dial("orders", NAME, {});
  const ended = new Promise<void>((onEnded) => {
    void messagePort(next.port2).listen("orders", NAME, (stream) => stream.resume(), { onEnded });
  });
  other.end();
  await ended;
});

test.each([undefined, {}, new EventTarget()])("rejects %s, which is not a port", (port) => {
  expect(() => messagePort(port as never)).toThrow(TypeError);
});

test("has one connection for all transports of a port: another dial leaves it alone", async () => {
  const { port1, port2 } = new MessageChannel();
  const accepted = new Promise<Duplex>((resolve) => void messagePort(port2).listen("orders", NAME, resolve, {}));
  const near = await messagePort(port1).dial("orders", NAME, {});
  const far = await accepted;
  onTestFinished(() => void near.destroy());
  await expect(messagePort(port1).dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  await expect(messagePort(port2).dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  near.write("secret");
  const [chunk] = await new Promise<Buffer[]>((resolve) => far.once("data", (...args) => resolve(args)));
  expect(String(chunk)).toBe("secret");
  near.resume();
  far.destroy();
  await closed(near);
  await expect(messagePort(port1).dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_PEER_GONE" });
});
