import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { type Adapter, BOTH_MANNERS, type Deliver, type Link } from "../adapter.js";
import type { Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

const BUDGET_BYTES = 1_048_576;

/** Without compression, and with bufferutil beside it, as its README advises. The kind is the first byte of the payload. */
class WebSocketLink implements Link {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(kind: Kind, payload: Payload): Promise<void> | undefined {
    if (this.#socket.bufferedAmount >= BUDGET_BYTES) return this.sendAwaited(kind, payload);
    this.#socket.send(payload);
    return undefined;
  }

  sendAwaited(_kind: Kind, payload: Payload): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(payload, (error) => (error ? reject(error) : resolve()));
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

function take(socket: WebSocket, deliver: Deliver): void {
  socket.on("message", (data: Buffer) => deliver(data[0] ?? 0, data));
}

export const webSocket: Adapter = {
  abilities: { manners: BOTH_MANNERS, clients: true, pause: true },
  isText: false,
  async listen(directory, accept) {
    const http = createServer();
    const server = new WebSocketServer({ server: http, perMessageDeflate: false });
    server.on("connection", (socket) => {
      socket.on("error", () => {}); // its 'close' follows
      take(socket, accept(new WebSocketLink(socket)));
    });
    http.listen({ path: join(directory, "s"), backlog: 4_096 });
    await once(http, "listening");
  },
  async connect(directory, deliver) {
    const socket = new WebSocket(`ws+unix:${join(directory, "s")}:/`, { perMessageDeflate: false });
    take(socket, deliver);
    await once(socket, "open");
    return new WebSocketLink(socket);
  },
};
