import { type FrameErrorCode, LENGTH_BYTES, type MessageBody, readUint32, TYPE_BYTES } from "@ipc/framing";

/** The frames of a byte stream, and how it ends. */
export interface Parsed {
  readonly bodies: readonly Uint8Array[];
  readonly end: "between frames" | "in a length" | "in a body" | "length too large" | "length too short";
}

/** The decoder's error code for each end; undefined where the end is no error. */
export const END_CODES: Readonly<Record<Parsed["end"], FrameErrorCode | undefined>> = {
  "between frames": undefined,
  "in a length": "IPC_FRAME_TRUNCATED",
  "in a body": "IPC_FRAME_TRUNCATED",
  "length too large": "IPC_FRAME_TOO_LARGE",
  "length too short": "IPC_FRAME_TOO_SHORT",
};

/** Parses frames in the plainest way, the whole stream at once: what the decoder finds in pieces is held against it. */
export function parseFrames(bytes: Uint8Array, shortest: number, longest: number): Parsed {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < LENGTH_BYTES) return { bodies, end: "in a length" };
    const length = readUint32(bytes, at);
    at += LENGTH_BYTES;
    if (length > longest) return { bodies, end: "length too large" };
    if (length < shortest) return { bodies, end: "length too short" };
    if (bytes.length - at < length) return { bodies, end: "in a body" };
    bodies.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { bodies, end: "between frames" };
}

/** Reads a body without encryption. */
export function readBody(body: Uint8Array): MessageBody {
  return { type: readUint32(body, 0), data: body.subarray(TYPE_BYTES) };
}

/** Tells two messages apart, or not. */
export function isSameMessage(one: MessageBody, other: MessageBody): boolean {
  return one.type === other.type && Buffer.compare(one.data, other.data) === 0;
}
