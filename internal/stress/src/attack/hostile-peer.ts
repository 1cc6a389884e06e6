import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { clientHandshake, type MessageCodec, runHandshake, serverHandshake } from "@ipc/session/handshake";
import type { Side } from "../traffic/message.js";
import type { Wire } from "../traffic/wire.js";

const HANDSHAKE_MS = 20_000;
const MAX_MESSAGE_SIZE = 3_145_728;

/** Speaks golang-ipc's protocol only. */
const COMPATIBLE = {
  supportsSecure: false,
  psks: [],
  identity: undefined,
  trustedPeers: undefined,
  require: false,
};

/** Dials, or listens and takes the next one that does. Errors of the socket are ignored. */
export class Meeting {
  readonly #address: string;
  readonly #side: Side;
  readonly #waiting: Socket[] = [];
  #server: Server | undefined;

  constructor(address: string, side: Side) {
    this.#address = address;
    this.#side = side;
  }

  async next(): Promise<Socket> {
    if (this.#side === "client") {
      const socket = ignoreErrors(connect(this.#address));
      await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
      return socket;
    }
    this.#server ??= await this.#listen();
    while (this.#waiting.length === 0) await once(this.#server, "connection");
    return this.#waiting.shift() as Socket;
  }

  async #listen(): Promise<Server> {
    const server = createServer((socket) => this.#waiting.push(ignoreErrors(socket)));
    server.listen(this.#address);
    await once(server, "listening");
    return server;
  }
}

function ignoreErrors(socket: Socket): Socket {
  return socket.on("error", () => {});
}

/** Completes a correct handshake, and returns the codec: the victim accepts everything that it seals. */
export async function shakeHands(socket: Socket, side: Side, wire: Wire): Promise<MessageCodec> {
  const wants = { encryption: wire !== "plain", ...(wire === "compatible" && { credentials: COMPATIBLE }) };
  const run = { timeoutMs: HANDSHAKE_MS };
  const { result } =
    side === "client"
      ? await runHandshake(socket, clientHandshake({ name: "target", maxMessageSize: MAX_MESSAGE_SIZE, ...wants }), run)
      : await runHandshake(socket, serverHandshake({ maxMessageSize: MAX_MESSAGE_SIZE, ...wants }), run);
  socket.resume();
  return result.codec;
}
