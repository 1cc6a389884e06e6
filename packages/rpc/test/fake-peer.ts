import { EventEmitter } from "node:events";
import type { ConnectionSecurity, DataMessage, Status } from "@ipc/session";
import type { CallPeer, DrainMember } from "../src/link/call-peer.js";
import { decodeFrame, encodeFrame, type Frame, type FrameParts } from "../src/wire/frame.js";

const DONE = Promise.resolve();
const ANONYMOUS: ConnectionSecurity = { mode: "secure", peer: { psk: false } };

/** A message on its way. */
interface Sent {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The type of the messages that carry calls. */
const RPC1 = 0x72706331;

/** One side of a connection without a network: messages arrive when the test says so. */
export class FakePeer extends EventEmitter implements CallPeer {
  status: Status = "Connected";
  security: ConnectionSecurity = ANONYMOUS;
  readonly name = "fake";
  remote = "fake";
  stats = { reconnects: 0, resumes: 0 };
  other: FakePeer | undefined;
  /** The code with which writes are refused. */
  refuses: string | undefined;
  /** Whether writes wait until `accept`, or the end of the connection. */
  holds = false;
  /** Frames that this side has written and none has refused at once, and those that were sent, oldest first. */
  readonly written: Frame[] = [];
  readonly sent: Frame[] = [];
  /** Frames of the other side that were handed out. */
  readonly handed: Frame[] = [];
  #drain: DrainMember | undefined;
  /** Numbers the connections, so that a reply reaches its own only. */
  #connection = 0;
  #arriving: Sent[] = [];
  /** Whether a session waits for its next connection, and keeps what is written. */
  #isAway = false;
  /** What has not arrived of a session that is lost, until this side is told. */
  #lost: Sent[] | undefined;
  /** While paused: the messages and statuses that wait, in order. */
  #unread: (() => void)[] | undefined;
  #waiting: { readonly accept: () => void; readonly refuse: (error: Error) => void }[] = [];

  write(type: number, data: string | Uint8Array): Promise<void> {
    if (this.refuses !== undefined) return reject(this.refuses);
    if (this.status !== "Connected" && !this.#isAway)
      return reject(isEnded(this.status) ? "IPC_CLOSED" : "IPC_NOT_CONNECTED");
    const bytes = Buffer.from(data);
    const frame = decodeFrame(bytes);
    if (frame !== undefined) this.written.push(frame);
    if (!this.holds && this.#waiting.length === 0) {
      this.#send(type, bytes);
      return DONE;
    }
    return new Promise((resolve, refuse) => {
      const accept = (): void => {
        this.#send(type, bytes);
        resolve();
      };
      this.#waiting.push({ accept, refuse });
    });
  }

  /** Accepts writes that wait, the oldest first. */
  accept(count: number = this.#waiting.length): void {
    for (const { accept } of this.#waiting.splice(0, count)) accept();
  }

  /** Accepts all writes from now on. */
  goOn(): void {
    this.holds = false;
    this.refuses = undefined;
    this.accept();
  }

  /** Writes that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Refuses all writes that wait. */
  refuseWaiting(code: string): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(failure(code));
  }

  #send(type: number, data: Buffer): void {
    const frame = decodeFrame(data);
    if (frame !== undefined) this.sent.push(frame);
    if (this.#lost !== undefined) this.#lost.push({ type, data });
    else if (this.other !== undefined) this.other.#arriving.push({ type, data });
  }

  /** Keeps messages and statuses until `handAll`. */
  pause(): void {
    this.#unread = [];
  }

  /** Hands out what has waited since `pause`, all at once, or the first `count`. */
  handAll(count = Number.POSITIVE_INFINITY): void {
    const unread = this.#unread ?? [];
    const handed = unread.splice(0, count);
    if (unread.length === 0) this.#unread = undefined;
    for (const handOut of handed) handOut();
  }

  /** Hands out a message or a status in its turn. */
  hand(event: "message" | "status", value: DataMessage | Status): void {
    if (this.#unread === undefined) this.emit(event, value);
    else this.#unread.push(() => this.emit(event, value));
  }

  /** Hands out what has arrived. Returns whether there was anything. */
  deliver(): boolean {
    const arrived = this.#arriving;
    this.#arriving = [];
    for (const { type, data } of arrived) {
      const frame = decodeFrame(data);
      if (frame !== undefined) this.handed.push(frame);
      this.hand("message", this.messageOf(type, data));
    }
    return arrived.length > 0;
  }

  /** Hands out a frame that the other side did not send. */
  receive(parts: FrameParts | Uint8Array): void {
    this.emit("message", this.messageOf(RPC1, parts instanceof Uint8Array ? parts : encodeFrame(parts)));
  }

  setStatus(status: Status): void {
    this.status = status;
    this.hand("status", status);
  }

  /** What is under way to the other side, if this side's session tells of its loss. */
  get undelivered(): readonly Sent[] | undefined {
    return this.security.resumable === true && this.other !== undefined ? this.other.#arriving : undefined;
  }

  /** Whether what is written waits for the next connection. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /**
   * Ends the connection: what has not arrived is lost.
   * @param undelivered of a session that is lost too; a side that dials again is told with its next connection
   */
  lose(status: Status, undelivered?: readonly Sent[]): void {
    if (this.status === "Connected" && undelivered !== undefined) this.#lost = [...undelivered];
    this.#isAway = this.#lost !== undefined && status === "Reconnecting";
    this.#arriving = [];
    if (!this.#isAway) this.#forget("IPC_CONNECTION_LOST");
    this.setStatus(status);
    if (!this.#isAway) this.#tellLoss();
  }

  /** Cuts the connection of a session that goes on with `resume`. */
  leave(): void {
    this.#isAway = true;
    this.setStatus("Reconnecting");
  }

  resume(): void {
    this.#isAway = false;
    this.stats.resumes++;
    this.setStatus("Connected");
  }

  reconnect(): void {
    this.#tellLoss();
    this.#arriving = [];
    this.stats.reconnects++;
    this.setStatus("Connected");
  }

  #tellLoss(): void {
    const undelivered = this.#lost;
    if (undelivered === undefined) return;
    if (this.#isAway) this.#forget("IPC_SESSION_LOST");
    this.#lost = undefined;
    this.#isAway = false;
    this.emit("lost", Object.assign(failure("IPC_SESSION_LOST"), { undelivered }));
  }

  #forget(code: string): void {
    this.refuseWaiting(code);
    this.#connection++;
  }

  [Symbol.for("@ipc/session joinDrain")](member: DrainMember): void {
    this.#drain = member;
  }

  [Symbol.for("@ipc/session endConnection")](): void {
    if (this.status !== "Connected") return;
    const peers = this.other === undefined ? [this] : [this, this.other];
    for (const { peer, undelivered } of peers.map((each) => ({ peer: each, undelivered: each.undelivered }))) {
      peer.lose("clientId" in peer ? "Reconnecting" : "Disconnected", undelivered);
      peer.#tellLoss();
    }
    if (!("clientId" in this || "address" in this)) this.emit("close");
  }

  /** Begins a drain, of which the other side learns at once; the test ends it. */
  drain(): void {
    this.#drain?.onDrain();
    if (this.other?.status === "Connected") this.other.emit("draining");
  }

  /** Whether a drain would wait. */
  get isBusy(): boolean {
    return this.#drain?.isBusy() === true;
  }

  /** A message of the current connection, whose replies reach no other. */
  messageOf(type: number, data: Uint8Array): DataMessage {
    const { security, remote } = this;
    const connection = this.#connection;
    const text = (): string => Buffer.from(data).toString();
    const reply = (replyType: number, replyData: string | Uint8Array): Promise<void> =>
      this.#connection === connection ? this.write(replyType, replyData) : reject("IPC_CONNECTION_LOST");
    return { kind: "data", type, data, text, json: () => JSON.parse(text()), security, remote, reply };
  }

  destroy(): void {
    if (isEnded(this.status)) return;
    this.lose("Closed");
    this.emit("close");
    this.other?.lose("Disconnected");
  }
}

/** The two sides of a connection: a client that dials again, and a server of one client after another. */
export function fakePair(): { readonly client: FakePeer; readonly server: FakePeer } {
  const client = Object.assign(new FakePeer(), { clientId: undefined });
  const server = Object.assign(new FakePeer(), { address: "fake" });
  client.other = server;
  server.other = client;
  return { client, server };
}

/** Delivers in both directions, with the microtasks in between, until nothing is under way. */
export async function settle({
  client,
  server,
}: {
  readonly client: FakePeer;
  readonly server: FakePeer;
}): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    for (let turn = 0; turn < 20; turn++) await DONE;
    const isMoving = [client.deliver(), server.deliver()].includes(true);
    quiet = isMoving ? 0 : quiet + 1;
  }
}

function isEnded(status: Status): boolean {
  return status === "Closed" || status === "Closing" || status === "Error" || status === "Timeout";
}

function failure(code: string): Error {
  return Object.assign(new Error(`fake: ${code}`), { code });
}

function reject(code: string): Promise<never> {
  const rejected = Promise.reject(failure(code));
  rejected.catch(() => {});
  return rejected;
}
