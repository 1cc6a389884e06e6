import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Adapter, Deliver, Link } from "../adapter.js";
import type { Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

const BATCH_BYTES = 65_536;
const BUDGET_BYTES = 1_048_576;
const HEADER_BYTES = 8;
const NOTHING = Buffer.alloc(0);

/** The floor, which every library on `node:net` has below it: the smallest framing, and the frames of a tick in one write. */
class BareLink implements Link {
  readonly #socket: Socket;
  #buffer = NOTHING;
  #used = 0;
  #scheduled = false;
  #drained: Promise<unknown> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(kind: Kind, payload: Payload): Promise<unknown> | undefined {
    const data = payload as Uint8Array;
    const length = HEADER_BYTES + data.length;
    if (length > BATCH_BYTES) this.#writeLarge(kind, data);
    else this.#gather(kind, data, length);
    if (this.#socket.writableLength < BUDGET_BYTES) return undefined;
    this.#drained ??= once(this.#socket, "drain").finally(() => {
      this.#drained = undefined;
    });
    return this.#drained;
  }

  sendAwaited(): never {
    throw new Error("a bare socket has nothing to await for each message");
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.end();
    await closed;
  }

  #gather(kind: Kind, data: Uint8Array, length: number): void {
    if (this.#used + length > this.#buffer.length) {
      this.#flush();
      this.#buffer = Buffer.allocUnsafe(BATCH_BYTES);
      this.#used = 0;
    }
    this.#buffer.writeUInt32BE(4 + data.length, this.#used);
    this.#buffer.writeUInt32BE(kind, this.#used + 4);
    this.#buffer.set(data, this.#used + HEADER_BYTES);
    this.#used += length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(this.#flushTick);
    }
  }

  #writeLarge(kind: Kind, data: Uint8Array): void {
    this.#flush();
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(4 + data.length, 0);
    header.writeUInt32BE(kind, 4);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(data);
    this.#socket.uncork();
  }

  readonly #flushTick = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#used === 0) return;
    this.#socket.write(this.#buffer.subarray(0, this.#used));
    // An idle connection keeps no buffer.
    this.#buffer = NOTHING;
    this.#used = 0;
  }
}

function read(socket: Socket, deliver: Deliver): void {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = 4;
  socket.on("data", (arrived: Buffer) => {
    let chunk = arrived;
    if (held > 0) {
      parts.push(chunk);
      held += chunk.length;
      if (held < wanted) return;
      chunk = Buffer.concat(parts, held);
      parts = [];
      held = 0;
    }
    let at = 0;
    wanted = 4;
    while (chunk.length - at >= 4) {
      const length = chunk.readUInt32BE(at);
      if (chunk.length - at - 4 < length) {
        wanted = length + 4;
        break;
      }
      deliver(chunk.readUInt32BE(at + 4), chunk.subarray(at + HEADER_BYTES, at + 4 + length));
      at += 4 + length;
    }
    if (at < chunk.length) {
      parts = [chunk.subarray(at)];
      held = chunk.length - at;
    }
  });
}

export const bareSocket: Adapter = {
  abilities: { manners: ["when it must"], clients: true, pause: true },
  isText: false,
  async listen(directory, accept) {
    const server = createServer((socket) => {
      socket.on("error", () => {}); // its 'close' follows
      read(socket, accept(new BareLink(socket)));
    });
    server.listen({ path: join(directory, "s"), backlog: 4_096 });
    await once(server, "listening");
  },
  async connect(directory, deliver) {
    const socket = connect(join(directory, "s"));
    await once(socket, "connect");
    read(socket, deliver);
    return new BareLink(socket);
  },
};
