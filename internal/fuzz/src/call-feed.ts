import { EventEmitter } from "node:events";
import { type CallPeer, method, rpc, serve, stream } from "@ipc/rpc";
import { SeededRandom } from "@ipc-internal/stress";
import { BadEnding } from "./tally.js";

const RPC1 = 0x72706331;
const KINDS = [1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 255] as const;
const NAMES = ["echo", "give", "take", "stuck", "ipc.describe", "__proto__", "", "x".repeat(300)] as const;
const PAYLOADS = ["", "1", "{", "null", '{"a":{}}', '"é"', "[[[[[]]]]]", "x".repeat(20_000)] as const;
const FRAMES = 200;
const TURNS = 30;
const MAX_CALLS = 16;

const contract = {
  echo: method<unknown, unknown>(),
  give: stream<unknown, number>(),
  take: method<unknown, number>(),
  stuck: method<unknown, void>(),
};

/** A peer whose messages come from the seed, and which only counts what is written to it. */
class FedPeer extends EventEmitter implements CallPeer {
  readonly clientId: number | undefined;
  readonly name = "fuzz";
  status = "Connected" as const;
  readonly security = { mode: "plain", peer: { psk: false } } as const;
  readonly remote = "fuzz";
  readonly stats = { reconnects: 0, resumes: 0 };
  readonly answered: number[] = [];
  readonly #done = Promise.resolve();

  write(_type: number, data: Uint8Array): Promise<void> {
    const kind = data[0];
    if (kind === 6 || kind === 7) this.answered.push(Buffer.from(data).readUInt32BE(4));
    return this.#done;
  }

  destroy(): void {
    this.emit("status", "Closed");
    this.emit("close");
  }
}

/**
 * Feeds frames of a seed to the calls of a peer: well-formed ones in any order, and broken ones.
 * @throws BadEnding if it gives more answers than it got calls, or keeps something after the end
 */
export async function feedCalls(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const peer = new FedPeer();
  const layer = rpc(peer, { maxCalls: MAX_CALLS, logger: { error() {} }, onMessage() {} });
  serve(peer, contract, {
    echo: (value) => value,
    async *give(value) {
      for (let at = 0; at < (typeof value === "number" ? value : 500); at++) yield at;
    },
    async take(_, call) {
      let count = 0;
      for await (const _item of call.items) count++;
      return count;
    },
    stuck: (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve())),
  });
  const api = layer.remote(contract);
  const own = [api.echo(1, { timeoutMs: 0 }), api.give(1).result, api.take(1, { timeoutMs: 0 })];
  const settled = Promise.allSettled(own);
  const reply = (type: number, data: Uint8Array): Promise<void> => peer.write(type, data);
  let asked = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    const data = makeFrame(random);
    if (data.length >= 12 && data[0] === 1) asked++;
    peer.emit("message", { kind: "data", type: random.chance(0.02) ? 1 : RPC1, data, reply });
    if (random.chance(0.3)) await turns(random.integer(1, 4));
    if (layer.stats.handling > MAX_CALLS) throw new BadEnding(`seed ${seed}: ${layer.stats.handling} handlers run`);
  }
  await turns(TURNS);
  if (peer.answered.length > asked)
    throw new BadEnding(`seed ${seed}: ${peer.answered.length} answers to ${asked} calls`);
  peer.destroy();
  await settled;
  await turns(TURNS);
  const { calls, handling, unreadBytes } = layer.stats;
  if (calls + handling + unreadBytes > 0 || peer.eventNames().length > 0) {
    throw new BadEnding(`seed ${seed}: ${calls} calls, ${handling} handlers and ${unreadBytes} bytes are left`);
  }
}

function makeFrame(random: SeededRandom): Buffer {
  const name = Buffer.from(random.pick(NAMES));
  const payload = Buffer.from(random.pick(PAYLOADS));
  const hasMeta = random.chance(0.1);
  const meta = hasMeta ? Buffer.from(random.pick(['{"a":"b"}', "{", "[]"])) : Buffer.alloc(0);
  const header = Buffer.alloc(12);
  header[0] = random.pick(KINDS);
  header[1] = random.integer(0, 3) | (hasMeta ? 4 : 0) | (random.integer(0, 3) << 4);
  header.writeUInt16BE(header[0] === 1 || header[0] === 7 ? name.length : 0, 2);
  header.writeUInt32BE(random.integer(0, 12), 4);
  header.writeUInt32BE(random.chance(0.5) ? 0 : random.magnitude(1_000, 0xffff_ffff), 8);
  const metaLength = Buffer.alloc(hasMeta ? 2 : 0);
  if (hasMeta) metaLength.writeUInt16BE(meta.length);
  const named = header.readUInt16BE(2) > 0 ? name : Buffer.alloc(0);
  const frame = Buffer.concat([header, named, metaLength, meta, payload]);
  if (random.chance(0.1)) frame[random.integer(0, frame.length - 1)] = random.integer(0, 255);
  return random.chance(0.05) ? frame.subarray(0, random.integer(0, frame.length)) : frame;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
