import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import {
  createMessageConnection,
  type MessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";
import { type Adapter, BOTH_MANNERS, type Deliver, type Link } from "../adapter.js";
import { KIND, type Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

/** After so many bytes the sender that does not wait for each write waits for one. */
const WINDOW_BYTES = 262_144;

/** Notifications, whose method is the kind. */
class JsonRpcLink implements Link {
  readonly #connection: MessageConnection;
  readonly #socket: Socket;
  #bytes = 0;

  constructor(socket: Socket, connection: MessageConnection) {
    this.#socket = socket;
    this.#connection = connection;
  }

  send(kind: Kind, payload: Payload): Promise<void> | undefined {
    const sent = this.sendAwaited(kind, payload);
    this.#bytes += payload.length;
    if (this.#bytes < WINDOW_BYTES) return undefined;
    this.#bytes = 0;
    return sent;
  }

  sendAwaited(kind: Kind, payload: Payload): Promise<void> {
    return this.#connection.sendNotification(String(kind), payload);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#connection.dispose();
    this.#socket.end();
    await closed;
  }
}

function converse(socket: Socket, accept: (link: Link) => Deliver): Link {
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  const link = new JsonRpcLink(socket, connection);
  const deliver = accept(link);
  for (const kind of Object.values(KIND)) {
    connection.onNotification(String(kind), (payload: string) => deliver(kind, payload));
  }
  connection.onError(() => {}); // its socket's 'close' follows
  connection.listen();
  return link;
}

export const jsonRpc: Adapter = {
  abilities: { manners: BOTH_MANNERS, clients: true, pause: true },
  isText: true,
  async listen(directory, accept) {
    const server = createServer((socket) => {
      converse(socket, accept);
    });
    server.listen({ path: join(directory, "s"), backlog: 4_096 });
    await once(server, "listening");
  },
  async connect(directory, deliver) {
    const socket = connect(join(directory, "s"));
    await once(socket, "connect");
    return converse(socket, () => deliver);
  },
};
