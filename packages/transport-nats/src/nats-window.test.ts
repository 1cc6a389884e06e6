import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { join, meddling } from "../test/join.js";
import { connectTo, describeWithBroker, startBroker, testWithStop } from "../test/with-broker.js";
import { FRAME, HEAD_BYTES } from "./frame.js";
import { nats } from "./nats.js";
import type { NatsConnectionLike } from "./nats-connection.js";

const NAME = { kind: "name" } as const;
const MIB = 1_048_576;
const CONNECTIONS = 100;

async function length(stream: Duplex): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Notes by how much the windows of one side grow, and how much of the other side's it gives back. */
function watchWindows(connection: NatsConnectionLike, onGrown: (grown: number) => void = () => {}) {
  const bytes = { grown: 0, shrunk: 0 };
  const watched = meddling(connection, (payload, send) => {
    if (payload[0] === FRAME.grown) bytes.grown += payload.readUInt32BE(HEAD_BYTES);
    if (payload[0] === FRAME.shrunk) bytes.shrunk += payload.readUInt32BE(HEAD_BYTES);
    if (payload[0] === FRAME.grown) onGrown(bytes.grown);
    send(payload);
  });
  return { bytes, watched };
}

/** Writes so many messages of 100 bytes; each one arrives before the next. */
async function trickle(from: Duplex, to: Duplex, messages: number): Promise<void> {
  for (let count = 0; count < messages; count++) {
    const arrived = once(to, "data");
    from.write(Buffer.alloc(100));
    await arrived;
  }
}

describeWithBroker("the windows of connections over a broker", (natsServer) => {
  test("let both sides send when they differ, by the smaller one", async () => {
    const { url } = await startBroker(natsServer);
    const [small, large] = [nats(await connectTo(url), { windowBytes: 65_536 }), nats(await connectTo(url))];
    const accepted = new Promise<Duplex>((resolve) => void large.listen("orders", NAME, resolve, {}));
    const ends = [await eventually(() => small.dial("orders", NAME, {})), await accepted];
    for (const end of ends) end.end(Buffer.alloc(4 * MIB));
    expect(await Promise.all(ends.map(length))).toEqual([4 * MIB, 4 * MIB]);
  });

  test("grow while their readers read, together by `sharedWindowBytes` at most, and shrink when their writers are idle", async () => {
    const { url } = await startBroker(natsServer);
    const near = watchWindows(await connectTo(url));
    let most = 0;
    const far = watchWindows(await connectTo(url), (grown) => {
      most = Math.max(most, grown - near.bytes.shrunk);
    });
    const sharedWindowBytes = 49_152;
    const options = { sharedWindowBytes, heartbeatMs: 1_000 };
    const transport = nats(far.watched, options);
    const accepted: Duplex[] = [];
    await transport.listen("orders", NAME, (stream) => void accepted.push(stream), {});
    const dialler = nats(near.watched, options);
    for (let round = 1; round <= 2; round++) {
      // Another connection each time: the first one stays, and has given back what it had.
      const stream = await dialler.dial("orders", NAME, {});
      stream.write(Buffer.alloc(MIB));
      let received = 0;
      accepted.at(-1)?.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      await eventually(() => expect(received).toBe(MIB));
      await eventually(() => expect(far.bytes.grown).toBeGreaterThanOrEqual(round * sharedWindowBytes));
      await eventually(() => expect(near.bytes.shrunk).toBe(far.bytes.grown));
    }
    expect(most).toBe(sharedWindowBytes);
  });

  test("grow together by `sharedWindowBytes` over one NATS connection, however many transports it has", async () => {
    const { url } = await startBroker(natsServer);
    const near = await connectTo(url);
    const far = watchWindows(await connectTo(url));
    const options = { sharedWindowBytes: 49_152, heartbeatMs: 600_000 };
    let received = 0;
    const onStream = (stream: Duplex): void => {
      stream.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
    };
    for (const [count, name] of ["orders", "prices"].entries()) {
      await nats(far.watched, options).listen(name, NAME, onStream, {});
      const stream = await nats(near, { heartbeatMs: 600_000 }).dial(name, NAME, {});
      stream.write(Buffer.alloc(MIB));
      await eventually(() => expect(received).toBe((count + 1) * MIB));
    }
    expect(far.bytes.grown).toBe(49_152);
  });

  test("do not grow for a writer that sends small messages one by one, however many", async () => {
    const { url } = await startBroker(natsServer);
    const near = watchWindows(await connectTo(url));
    const far = watchWindows(await connectTo(url));
    const [stream, peer] = await join(near.watched, far.watched, { heartbeatMs: 600_000 });
    await trickle(stream, peer, 1_000);
    await eventually(() => expect(far.bytes.grown - near.bytes.shrunk).toBe(0));
  });

  test("shrink again under a writer that goes on with small messages", async () => {
    const { url } = await startBroker(natsServer);
    const near = watchWindows(await connectTo(url));
    const far = watchWindows(await connectTo(url));
    const [stream, peer] = await join(near.watched, far.watched, { heartbeatMs: 1_000 });
    let received = 0;
    peer.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    stream.write(Buffer.alloc(2 * MIB));
    await eventually(() => expect(received).toBe(2 * MIB));
    expect(far.bytes.grown).toBeGreaterThan(0);
    await eventually(async () => {
      await trickle(stream, peer, 1);
      expect(far.bytes.grown - near.bytes.shrunk).toBe(0);
    });
  });

  test("grow by no more than the writer's `sharedWindowBytes`, which gives back the rest: so much may wait for a slow broker", async () => {
    const { url } = await startBroker(natsServer);
    const near = watchWindows(await connectTo(url));
    const far = watchWindows(await connectTo(url));
    const sharedWindowBytes = 131_072;
    const accepted: Duplex[] = [];
    const writer = nats(far.watched, { sharedWindowBytes });
    await writer.listen("orders", NAME, (stream) => void accepted.push(stream), {});
    const readers = nats(near.watched);
    let received = 0;
    for (let index = 0; index < 10; index++) {
      const stream = await readers.dial("orders", NAME, {});
      stream.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
    }
    await eventually(() => expect(accepted).toHaveLength(10));
    for (const stream of accepted) stream.write(Buffer.alloc(2 * MIB));
    await eventually(() => expect(received).toBe(20 * MIB));
    expect(near.bytes.grown).toBeGreaterThan(sharedWindowBytes);
    await eventually(() => expect(near.bytes.grown - far.bytes.shrunk).toBeLessThanOrEqual(sharedWindowBytes));
  });

  testWithStop(
    `hold less than the broker's max_pending of ${CONNECTIONS} connections to a process that stands still, so that none is cut`,
    async () => {
      const { url } = await startBroker(natsServer, { config: "max_pending: 8MB\nwrite_deadline: 60s" });
      const script = `
      const { connect } = require("@nats-io/transport-node");
      const { nats } = require("@ipc/transport-nats");
      connect({ servers: ${JSON.stringify(url)} }).then(async (connection) => {
        let bytes = 0;
        const onStream = (stream) => stream.on("data", (chunk) => {
          bytes += chunk.length;
          if (bytes === ${CONNECTIONS * MIB}) console.log("all");
        });
        await nats(connection, { heartbeatMs: 600_000, sharedWindowBytes: 4_194_304 }).listen("orders", { kind: "name" }, onStream, {});
        console.log("listening");
      });`;
      const place = { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] };
      const child = spawn(process.execPath, ["-e", script], place);
      onTestFinished(() => void child.kill("SIGKILL"));
      // From the start, because the child may be done before it is stopped.
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next();
      const near = await connectTo(url);
      const transport = nats(near, { heartbeatMs: 600_000 });
      const streams = await Promise.all(Array.from({ length: CONNECTIONS }, () => transport.dial("orders", NAME, {})));
      const failures: unknown[] = [];
      let written = 0;
      for (const stream of streams) {
        stream.on("error", (error) => failures.push(error));
        for (let part = 0; part < 16; part++) stream.write(Buffer.alloc(MIB / 16), () => written++);
      }
      // In the middle of the traffic, when windows have grown.
      await eventually(() => expect(written).toBeGreaterThan(3 * CONNECTIONS));
      child.kill("SIGSTOP");
      for (let before = -1; before < written; await near.flush()) before = written;
      child.kill("SIGCONT");
      expect(await lines.next()).toEqual({ done: false, value: "all" });
      expect(failures).toEqual([]);
    },
  );
});
