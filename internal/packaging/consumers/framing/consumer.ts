// What a user of the frames alone writes; compiled against the packed package, without Node's types.
import { encodeMessage, FrameDecoder, FrameError, type MessageBody } from "@ipc/framing";

export function roundTrip(type: number, data: Uint8Array): MessageBody | undefined {
  const decoder = new FrameDecoder({ maxBodyLength: 1_024 });
  decoder.push(encodeMessage(type, data));
  return decoder.nextMessage();
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof FrameError ? error.code : undefined;
}

// @ts-expect-error The limit has no default: a decoder without one could be made to keep anything.
export const unbounded = new FrameDecoder({});
