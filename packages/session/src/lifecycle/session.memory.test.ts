import { generateKeyPairSync } from "node:crypto";
import { Duplex, type Readable } from "node:stream";
import { memory, memoryPair, type Transport, tcp, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import type { DataMessage } from "../message.js";
import type { PeerOptions } from "../options/peer-options.js";
import { openSession, type Session } from "./session.js";

type Connect = () => Promise<readonly [Duplex, Duplex]>;

/** @param dialler the transport that dials, if it must know the address of the listener */
async function connectOver(
  transport: Transport,
  dialler: (address: string) => Transport = () => transport,
): Promise<readonly [Duplex, Duplex]> {
  let accept: (stream: Duplex) => void = () => {};
  const accepted = new Promise<Duplex>((resolve) => {
    accept = resolve;
  });
  const listener = await transport.listen("orders", { kind: "name" }, (stream) => accept(stream), {});
  untilTestEnds({ destroy: () => void listener.close() });
  return [await dialler(listener.address).dial("orders", { kind: "name" }, {}), await accepted];
}

/** A stream of a user, which gives out views of Node's pool, several chunks in one. */
async function pooled(): Promise<readonly [Duplex, Duplex]> {
  const [near, far] = memoryPair();
  const wrapped = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => void near.write(chunk, done),
    final: (done) => void near.end(done),
  });
  (near as Readable).on("data", (chunk: Buffer) => wrapped.push(Buffer.concat([chunk])));
  near.once("close", () => wrapped.destroy());
  return [wrapped, far];
}

const STREAMS: readonly (readonly [string, Connect])[] = [
  ["a unix socket", () => connectOver(unixSocket({ directory: temporaryDirectory() }))],
  ["TCP", () => connectOver(tcp({ port: 0 }), (address) => tcp({ port: Number(address.split(":")[1]) }))],
  ["memory()", () => connectOver(memory())],
  ["memoryPair()", async () => memoryPair()],
  ["a stream of pooled buffers", pooled],
];

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const WIRES: readonly (readonly [string, PeerOptions])[] = [
  ["plain", { encryption: false }],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["secure", {}],
  [
    "secure with keys",
    { security: { psk: new Uint8Array(32).fill(1), identity: privateKey, trustedPeers: [publicKey] } },
  ],
];

/** Small ones, of which several share a chunk, and some that arrive in pieces. */
const SIZES = [1, 0, 3, 200, 3_000, 70_000, 5, 200_000, 2];

interface Received {
  readonly messages: readonly DataMessage[];
  readonly written: readonly Uint8Array[];
}

async function read(session: Session): Promise<DataMessage[]> {
  const messages: DataMessage[] = [];
  while (messages.length < SIZES.length) {
    const message = await session.read();
    if (message.kind === "data") messages.push(message);
  }
  return messages;
}

/** Each side writes as soon as its handshake is complete, so that the first messages arrive with the last of the handshake. */
async function exchange(connect: Connect, options: PeerOptions): Promise<readonly Received[]> {
  const [near, far] = await connect();
  const written = SIZES.map((size, index) => Buffer.alloc(size, index + 1));
  const converse = async (stream: Duplex, role: "client" | "server"): Promise<Received> => {
    const session = untilTestEnds(await openSession(stream, { role, ...options }));
    const writes = Promise.all(written.map((data) => session.write(1, data)));
    const messages = await read(session);
    await writes;
    return { messages, written };
  };
  return Promise.all([converse(near, "client"), converse(far, "server")]);
}

const buffersOf = (parts: readonly Uint8Array[]): Set<ArrayBufferLike> => new Set(parts.map(({ buffer }) => buffer));

describe.each(STREAMS)("data received over %s", (_stream, connect) => {
  it.each(WIRES)("shares memory only with its own connection: %s", async (_wire, options) => {
    const pool = Buffer.from("the pool of this moment").buffer;
    const sides = [...(await exchange(connect, options)), ...(await exchange(connect, options))];
    const owned = sides.map(({ messages }) => buffersOf(messages.map(({ data }) => data)));
    for (const [index, { messages, written }] of sides.entries()) {
      expect(messages.map(({ data }, at) => Buffer.compare(data, written[at] as Buffer))).toEqual(SIZES.map(() => 0));
      const others = new Set([
        pool,
        ...buffersOf(written),
        ...owned.flatMap((buffers, at) => (at === index ? [] : [...buffers])),
      ]);
      for (const { data } of messages) {
        expect(others.has(data.buffer)).toBe(false);
        expect(data.buffer.byteLength).not.toBe(Buffer.poolSize);
      }
    }
  });
});
