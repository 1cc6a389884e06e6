import { on } from "node:events";
import { connect, createServer, type Socket } from "node:net";
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

/** Dials, or listens from the first call on, and gives the next connection. Errors of the sockets are ignored. */
export function meetingsAt(address: string, side: Side): () => Promise<Socket> {
  if (side === "client") return () => dial(address);
  let accepted: AsyncIterator<unknown[]> | undefined;
  return async () => {
    accepted ??= on(createServer(ignoreErrors).listen(address), "connection");
    return (await accepted.next()).value[0] as Socket;
  };
}

async function dial(address: string): Promise<Socket> {
  const socket = ignoreErrors(connect(address));
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
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
