import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { join, meddling, outcome } from "../test/join.js";
import { connectTo, describeWithBroker, startBroker, type TestConnection, testWithStop } from "../test/with-broker.js";
import { encodeFrame, FRAME } from "./frame.js";
import { nats } from "./nats.js";

const NAME = { kind: "name" } as const;
const lost = { code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("lost, repeated or reordered") };

describeWithBroker("a connection over a broker", (natsServer) => {
  async function connections(): Promise<[TestConnection, TestConnection]> {
    const { url } = await startBroker(natsServer);
    return [await connectTo(url), await connectTo(url)];
  }

  test.each([
    ["drops", [2], "a"],
    ["repeats", [1, 1, 2], "ab"],
    ["reorders", [2, 1], "a"],
  ])(
    "ends with an error, and without a byte out of order, when the broker %s a message",
    async (_what, order, first) => {
      const [near, far] = await connections();
      const held: Buffer[] = [];
      let count = 0;
      const evil = meddling(near, (payload, send) => {
        if (payload[0] !== FRAME.data || payload.length < 6) return send(payload);
        count++;
        if (count === 1 || count > 3) return send(payload);
        held[count - 1] = payload;
        if (count === 3) for (const index of order) send(held[index] as Buffer);
      });
      const [stream, peer] = await join(evil, far);
      const ended = outcome(peer);
      for (const text of ["a", "b", "c", "d"]) stream.write(text);
      const { error, received } = await ended;
      expect(error).toMatchObject(lost);
      expect(received).toBe(first);
      await eventually(() => expect(stream.destroyed).toBe(true));
    },
  );

  test("finds a message that the broker dropped when no other follows, by the next sign of life", async () => {
    const [near, far] = await connections();
    const evil = meddling(near, (payload, send) => {
      if (payload[0] !== FRAME.data) send(payload);
    });
    const [stream, peer] = await join(evil, far, { heartbeatMs: 100 });
    const ended = outcome(peer);
    stream.write("the only one");
    expect(await ended).toMatchObject({ error: lost, received: "" });
  });

  test.each([
    ["an unknown kind of message", Buffer.from([9, 0, 0, 0, 0]), "not of this protocol"],
    ["bytes too few for a message", Buffer.from([1]), "not of this protocol"],
    ["a message without a byte of data", encodeFrame(FRAME.data, 0), "not of this protocol"],
    ["more than the window", encodeFrame(FRAME.data, 0, Buffer.alloc(1_000_000)), "past the window"],
    ["a count of bytes that were never sent", encodeFrame(FRAME.taken, 0, Buffer.from([0, 0, 0, 1])), "protocol"],
    ["a window that grows past the largest", encodeFrame(FRAME.grown, 0, Buffer.from([0, 1, 0, 0])), "protocol"],
    [
      "a window of which more is given back than was taken",
      encodeFrame(FRAME.shrunk, 0, Buffer.from([0, 0, 0, 1])),
      "protocol",
    ],
    ["a second acceptance", encodeFrame(FRAME.accept, 0, Buffer.from([0, 1, 0, 0])), "protocol"],
  ])("ends with an error for %s, and delivers nothing of it", async (_what, injected, message) => {
    const [near, far] = await connections();
    const evil = meddling(near, (payload, send) => send(payload[0] === FRAME.data ? injected : payload));
    const [stream, peer] = await join(evil, far, { windowBytes: 65_536 });
    const ended = outcome(peer);
    stream.write("x");
    expect(await ended).toMatchObject({
      error: { code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining(message) },
      received: "",
    });
  });

  test("ends at once when something is sent to a process that has gone", async () => {
    const { url } = await startBroker(natsServer);
    const script = `
      const { connect } = require("@nats-io/transport-node");
      const { nats } = require("@ipc/transport-nats");
      connect({ servers: ${JSON.stringify(url)} }).then(async (connection) => {
        await nats(connection).listen("orders", { kind: "name" }, () => process.stdout.write("connected"), {});
        process.stdout.write("listening");
      });`;
    const child = spawn(process.execPath, ["-e", script], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    child.stdout.on("data", (text) => {
      output += text;
    });
    await eventually(() => expect(output).toBe("listening"));
    const near = await connectTo(url);
    const stream = await nats(near, { heartbeatMs: 600_000 }).dial("orders", NAME, {});
    const ended = outcome(stream);
    await eventually(() => expect(output).toBe("listeningconnected"));
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    // The broker may not know yet, but soon does.
    void eventually(() => {
      stream.write("anything");
      expect(stream.destroyed).toBe(true);
    });
    expect((await ended).error).toMatchObject({ code: "ECONNRESET" });
  });

  test("ends at both sides, at the other by the next sign of life, when a program closes its connection to the broker", async () => {
    const [near, far] = await connections();
    const ends = await join(near, far, { heartbeatMs: 200 });
    const outcomes = Promise.all(ends.map(outcome));
    await far.close();
    expect(await outcomes).toMatchObject([{ error: { code: "ECONNRESET" } }, { error: { code: "IPC_LISTENER_LOST" } }]);
  });

  testWithStop("ends when nothing arrives for longer than heartbeatMs, at both sides", async () => {
    const broker = await startBroker(natsServer);
    const ends = await join(await connectTo(broker.url), await connectTo(broker.url), { heartbeatMs: 200 });
    await broker.kill("SIGSTOP");
    const outcomes = await Promise.all(ends.map(outcome));
    for (const { error } of outcomes) {
      expect(error).toMatchObject({ code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("`heartbeatMs`") });
    }
    await broker.kill("SIGCONT");
  });

  test("lives on while nothing is sent, and after the broker has been away for a moment", async () => {
    const broker = await startBroker(natsServer);
    const near = await connectTo(broker.url);
    const far = await connectTo(broker.url);
    const [stream, peer] = await join(near, far, { heartbeatMs: 60_000 });
    await broker.kill("SIGKILL");
    await broker.start();
    await Promise.all([near.flush(), far.flush()].map((flushed) => flushed.catch(() => {})));
    await eventually(() => Promise.all([near.flush(), far.flush()]));
    stream.write("still here");
    expect(String((await once(peer, "data"))[0])).toBe("still here");
  });

  test("leaves the broker's memory alone when a reader stands still for many MiB", async () => {
    const { url } = await startBroker(natsServer, { config: "max_pending: 4MB\nwrite_deadline: 1s" });
    const [near, far] = [await connectTo(url), await connectTo(url)];
    const [stream, peer] = await join(near, far);
    let written = 0;
    for (let index = 0; index < 256; index++) stream.write(Buffer.alloc(65_536), () => written++);
    for (let before = -1; before < written; await near.flush()) before = written;
    expect(written * 65_536).toBeLessThanOrEqual(1_048_576 + 2 * 65_536);
    stream.end();
    let received = 0;
    for await (const chunk of peer) received += (chunk as Buffer).length;
    expect(received).toBe(256 * 65_536);
  });
});
