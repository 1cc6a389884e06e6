import type { Duplex } from "node:stream";
import { FrameDecoder } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { PlainCodec } from "../src/codec/frame-codec.js";
import { PeerCore } from "../src/lifecycle/peer-core.js";
import { PeerSession } from "../src/lifecycle/peer-session.js";
import { PLAIN_SECURITY } from "../src/security.js";
import type { SlipReporter } from "../src/slip-reporter.js";
import { silentSlips } from "./silent-slips.js";

const MIB = 1_048_576;
const LIMITS = {
  maxMessageSize: MIB,
  maxQueuedBytes: MIB,
  maxUnreadBytes: MIB,
  busyPollUs: 0,
  heartbeatMs: 0,
  idleTimeoutMs: 0,
};

class TestPeer extends PeerSession {}

/** The far end of one connection, whose messages are texts. */
export class FarClient {
  readonly name: string;
  readonly stream: Duplex;
  /** The texts received so far. */
  readonly received: string[] = [];

  constructor(name: string, stream: Duplex) {
    this.name = name;
    this.stream = stream;
    const decoder = new FrameDecoder({ maxBodyLength: MIB });
    stream.on("data", (chunk: Uint8Array) => {
      decoder.push(new Uint8Array(chunk));
      for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage()) {
        this.received.push(Buffer.from(next.data).toString());
      }
    });
  }
}

/** A plain peer over memory streams that one client after another connects to, as to a server. */
export class ServingPeer {
  readonly core: PeerCore;
  readonly peer: PeerSession;
  #sent = 0;

  /** @param changesPeer whether each client is another, as at a server */
  constructor(changesPeer = true, slips: SlipReporter = silentSlips) {
    this.core = new PeerCore(
      {
        limits: LIMITS,
        slips,
        security: PLAIN_SECURITY,
        status: "Listening",
        name: "orders",
        remote: "orders",
        changesPeer,
      },
      { onDisconnected: () => this.core.setStatus("Disconnected") },
    );
    this.peer = untilTestEnds(new TestPeer(this.core));
  }

  /** Connects a client, which `remote` and the messages then name. @param maxSendSize the longest data that it takes */
  connect(name: string, maxSendSize: number = MIB): FarClient {
    const [stream, far] = memoryPair();
    const outcome = { codec: new PlainCodec(), maxSendSize, features: 0, peerEndsInResponse: true };
    this.core.connect({ stream, outcome, rest: new Uint8Array(0), remote: name });
    return new FarClient(name, far);
  }

  /** Lets a client send texts, and resolves when the peer has received them, read or not. */
  async send(client: FarClient, ...texts: string[]): Promise<void> {
    for (const text of texts) client.stream.write(plainFrame(1, text));
    this.#sent += texts.length;
    await eventually(() => expect(this.peer.stats.messagesReceived).toBe(this.#sent));
  }

  /** Ends a client's side and resolves when the peer knows it. */
  async disconnect(client: FarClient): Promise<void> {
    client.stream.end();
    await eventually(() => expect(this.core.isConnected).toBe(false));
  }
}
