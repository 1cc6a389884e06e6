import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { type IpcError, type Peer, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { meddling } from "../test/join.js";
import { connectTo, describeWithBroker, startBroker } from "../test/with-broker.js";
import { encodeCount, encodeFrame, FRAME, HEAD_BYTES } from "./frame.js";
import { type NatsOptions, nats } from "./nats.js";

const security = { psk: randomBytes(32) };

/** Gives the data messages that a broker passes on in the place of two; the third one follows. */
const ATTACKS: Readonly<Record<string, (first: Buffer, second: Buffer) => readonly Buffer[]>> = {
  "changes a bit": (first, second) => {
    const changed = Buffer.from(first);
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    return [changed, second];
  },
  "drops a message": (_first, second) => [second],
  "repeats a message": (first, second) => [first, first, second],
  "reorders messages": (first, second) => [second, first],
  "injects a message": (first, second) => [
    Buffer.concat([first.subarray(0, HEAD_BYTES), Buffer.alloc(40)]),
    first,
    second,
  ],
  "cuts a message": (first, second) => [first.subarray(0, first.length - 8), second],
};

/** How the session notices where its authentication does not come first: a record cannot begin with a zero. */
const CODES: Readonly<Record<string, string>> = { "injects a message": "IPC_RECORD_INVALID" };

/** The messages that must have arrived before, at the most: the first of the two is whole if it comes first. */
const DELIVERED: Readonly<Record<string, readonly string[]>> = { "repeats a message": ["before", "secret 1"] };

/**
 * A broker that numbers again what it passes on, as one that knows this protocol would: only the session can notice.
 * `attack` begins with the next data message.
 */
function evilBroker(connection: Parameters<typeof meddling>[0]) {
  let attack: (typeof ATTACKS)[string] | undefined;
  let held: Buffer | undefined;
  let sequence = 0;
  const evil = meddling(connection, (payload, send) => {
    const pass = (frame: Buffer): void => {
      const numbered = Buffer.from(frame);
      if (frame.length >= HEAD_BYTES) numbered.writeUInt32BE(sequence, 1);
      if (frame[0] !== FRAME.ping) sequence = (sequence + 1) >>> 0;
      send(numbered);
    };
    // A request to connect has no number.
    if (payload.length === 4) send(payload);
    else if (attack === undefined || payload[0] !== FRAME.data) pass(payload);
    else if (held === undefined) held = payload;
    else {
      for (const frame of attack(held, payload)) pass(frame);
      attack = undefined;
    }
  });
  return {
    evil,
    attack(kind: string): void {
      attack = ATTACKS[kind];
    },
  };
}

describeWithBroker("a broker in the hands of an attacker", (natsServer) => {
  test.each(Object.keys(ATTACKS).flatMap((kind) => [["client", kind] as const, ["server", kind] as const]))(
    "that meddles with what the %s sends, and %s, ends the connection and gets nothing through",
    async (side, kind) => {
      const { url } = await startBroker(natsServer);
      const broker = evilBroker(await connectTo(url));
      const honest = await connectTo(url);
      const [near, far] = side === "client" ? [broker.evil, honest] : [honest, broker.evil];
      const manager = await startServerManager({ name: "orders", transport: nats(far), security });
      onTestFinished(() => manager.close());
      const got: string[] = [];
      const errors: IpcError[] = [];
      const connected = new Promise<Peer>((resolve) => manager.once("connection", (each) => resolve(each as Peer)));
      const client = (await startClient({ name: "orders", transport: nats(near), security })) as Peer;
      onTestFinished(() => client.close());
      const connection = await connected;
      const [sender, receiver] = side === "client" ? [client, connection] : [connection, client];
      receiver.on("message", (message) => void got.push(message.text()));
      receiver.on("lost", (error) => void errors.push(error));
      await sender.write(1, "before");
      await eventually(() => expect(got).toEqual(["before"]));
      broker.attack(kind);
      // Each in a record, and a message of the broker, of its own.
      for (const text of ["secret 1", "secret 2", "secret 3"]) {
        await sender.write(1, text).catch(() => {});
        await sender.flush().catch(() => {});
      }
      await eventually(() => expect(errors).toHaveLength(1));
      expect(errors[0]?.code).toBe(CODES[kind] ?? "IPC_DECRYPTION_FAILED");
      expect(got).toEqual(DELIVERED[kind] ?? ["before"]);
    },
  );

  test("that lets a server without a key send as much as it likes, takes nothing of what the windows of others grow by", async () => {
    const { url } = await startBroker(natsServer);
    const sharedWindowBytes = 49_152;
    const server = await connectTo(url);
    let grown = 0;
    let shrunk = 0;
    const watched = meddling(server, (payload, send) => {
      if (payload[0] === FRAME.shrunk) shrunk += payload.readUInt32BE(HEAD_BYTES);
      send(payload);
    });
    const streams: Duplex[] = [];
    const accepting = nats(watched, { sharedWindowBytes, heartbeatMs: 600_000 });
    await accepting.listen("orders", { kind: "name" }, (stream) => void streams.push(stream), {});
    const evil = meddling(await connectTo(url), (payload, send) => {
      if (payload[0] === FRAME.data) send(encodeFrame(FRAME.grown, 0, encodeCount(1_048_576 - 16_384)));
      else send(payload);
    });
    const honest = meddling(await connectTo(url), (payload, send) => {
      if (payload[0] === FRAME.grown) grown += payload.readUInt32BE(HEAD_BYTES);
      send(payload);
    });
    const options = { heartbeatMs: 600_000 };
    (await nats(evil, options).dial("orders", { kind: "name" }, {})).write("anything");
    await eventually(() => expect(shrunk).toBe(1_048_576 - 16_384));
    shrunk = 0;
    const reader = await nats(honest, options).dial("orders", { kind: "name" }, {});
    let received = 0;
    reader.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    await eventually(() => expect(streams).toHaveLength(2));
    streams[1]?.write(Buffer.alloc(1_048_576));
    await eventually(() => expect(received).toBe(1_048_576));
    expect(grown - shrunk).toBe(sharedWindowBytes);
  });

  test("that reads everything, sees no text of a session", async () => {
    const { url } = await startBroker(natsServer);
    const seen: Buffer[] = [];
    const spy = await connectTo(url);
    spy.subscribe(">", { callback: (_error, { data }) => void seen.push(Buffer.from(data)) });
    await spy.flush();
    const manager = await startServerManager({ name: "orders", transport: nats(await connectTo(url)), security });
    onTestFinished(() => manager.close());
    manager.on("message", (_connection, message) => void message.reply(1, message.data));
    const client = await startClient({ name: "orders", transport: nats(await connectTo(url)), security });
    onTestFinished(() => client.close());
    const answered = new Promise<string>((resolve) => client.on("message", (message) => resolve(message.text())));
    const secret = "the number of my credit card";
    await client.write(1, secret);
    expect(await answered).toBe(secret);
    await spy.flush();
    expect(seen.length).toBeGreaterThan(4);
    expect(Buffer.concat(seen).includes(secret.slice(0, 8))).toBe(false);
  });

  test("that serves the name itself, without the key, gets no client", async () => {
    const { url } = await startBroker(natsServer);
    const other = { psk: randomBytes(32) };
    const imposter = await startServerManager({
      name: "orders",
      transport: nats(await connectTo(url)),
      security: other,
    });
    onTestFinished(() => imposter.close());
    const starting = startClient({ name: "orders", transport: nats(await connectTo(url)), security, retry: false });
    await expect(starting).rejects.toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
  });

  test("is all that protects a session with `allowAnonymous`, which lets both sides start without keys", async () => {
    const { url } = await startBroker(natsServer);
    const options: NatsOptions = { allowAnonymous: true };
    const manager = await startServerManager({ name: "orders", transport: nats(await connectTo(url), options) });
    onTestFinished(() => manager.close());
    const client = await startClient({ name: "orders", transport: nats(await connectTo(url), options) });
    onTestFinished(() => client.close());
    expect(client.security).toEqual({ mode: "secure", peer: { psk: false } });
  });
});
