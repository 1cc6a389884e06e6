import type { MessageBody } from "@ipc/framing";
import type { IpcErrorCode } from "@ipc/session";
import { MESSAGES } from "./conversation.js";
import { MAX_MESSAGE_SIZE } from "./handshakes.js";
import type { Input } from "./input.js";
import { isSameMessage, parseFrames, readConnection } from "./reference.js";
import { BadEnding } from "./tally.js";

const PLAIN_OVERHEAD = 4;
const NONE = new Uint8Array(0);

/** However a sealed conversation was mutated, each delivered message is one that a peer with the key wrote. */
export function assertAuthentic(messages: readonly MessageBody[]): void {
  const forged = messages.find((message) => !MESSAGES.some((sent) => isSameMessage(sent, message)));
  if (forged === undefined) return;
  throw new BadEnding(
    `a message of type ${forged.type} with ${forged.data.length} bytes was delivered, the peer did not seal it`,
  );
}

/** In a secure session nothing can be left out, repeated or moved either, and its end is as authentic as its messages. */
export function assertInOrder(messages: readonly MessageBody[], code: IpcErrorCode | undefined): void {
  const isPrefix = messages.every((message, index) =>
    isSameMessage(MESSAGES[index] ?? { type: 0, data: NONE }, message),
  );
  if (!isPrefix)
    throw new BadEnding(`${messages.length} messages were delivered that are not the first that were sealed`);
  const isInOrder = code === undefined || code === "IPC_PEER_CLOSED";
  if (!isInOrder || messages.length === MESSAGES.length) return;
  throw new BadEnding(`the session ended in order after ${messages.length} of ${MESSAGES.length} messages`);
}

/**
 * Without encryption an altered message is as good as any: what is delivered is what the plainest parser finds behind the
 * handshake, whole and in order, and all of it where the stream was not reset.
 */
export function assertWhole(
  input: Input,
  { handshakeBytes, hasControlFrames }: { readonly handshakeBytes: number; readonly hasControlFrames: boolean },
  messages: readonly MessageBody[],
  code: IpcErrorCode | undefined,
): void {
  const stream = Buffer.concat(input.chunks).subarray(handshakeBytes);
  const parsed = parseFrames(stream, PLAIN_OVERHEAD, MAX_MESSAGE_SIZE + PLAIN_OVERHEAD);
  const { messages: expected, code: right } = readConnection(parsed, hasControlFrames);
  const isPrefix = messages.every((message, index) => {
    const other = expected[index];
    return other !== undefined && isSameMessage(message, other);
  });
  if (!isPrefix) throw new BadEnding(`${messages.length} messages were delivered that are not those of the stream`);
  if (input.end === "reset") return;
  if (messages.length < expected.length) {
    throw new BadEnding(`${messages.length} of ${expected.length} messages were delivered`);
  }
  // It is cut, rather than ended, when the peer is gone before it has heard all that this side had to say.
  const hasMoreToSay = input.writes || input.target === "client";
  if (hasMoreToSay && (code === "IPC_CONNECTION_LOST" || (right === undefined && code === "IPC_PEER_CLOSED"))) return;
  if (code !== right) throw new BadEnding(`the connection ended with ${code}, ${right} is right`);
}
