import { type FrameErrorCode, LENGTH_BYTES, type MessageBody, readUint32, TYPE_BYTES } from "@ipc/framing";
import type { IpcErrorCode } from "@ipc/session";

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

const CONTROL_TYPE = 0;
const GOAWAY = 3;
/** The lengths of the data of a PING, a PONG and a GOAWAY, by their op. */
const CONTROL_BYTES: Readonly<Record<number, number>> = { 1: 5, 2: 5, [GOAWAY]: 18 };
const CONTROL_MAX_BYTES = 128;

/** The messages of a connection without encryption, and the code with which it ends; undefined: the peer closed. */
export function readConnection(
  { bodies, end }: Parsed,
  hasControlFrames: boolean,
): { readonly messages: readonly MessageBody[]; readonly code: IpcErrorCode | undefined } {
  const messages: MessageBody[] = [];
  let hasClosed = !hasControlFrames;
  for (const { type, data } of bodies.map(readBody)) {
    const [op = 0, reason] = data;
    if (type !== CONTROL_TYPE) messages.push({ type, data });
    else if (!hasControlFrames) continue;
    else if (data.length === 0 || data.length > CONTROL_MAX_BYTES || data.length !== (CONTROL_BYTES[op] ?? data.length))
      return { messages, code: "IPC_RECORD_INVALID" };
    else if (op === GOAWAY && reason === 0) hasClosed = true;
  }
  const code = END_CODES[end];
  if (code !== undefined && code !== "IPC_FRAME_TRUNCATED") return { messages, code };
  return { messages, code: code === undefined && hasClosed ? undefined : "IPC_CONNECTION_LOST" };
}

/** Reads a body without encryption. */
function readBody(body: Uint8Array): MessageBody {
  return { type: readUint32(body, 0), data: body.subarray(TYPE_BYTES) };
}

/** Tells two messages apart, or not. */
export function isSameMessage(one: MessageBody, other: MessageBody): boolean {
  return one.type === other.type && Buffer.compare(one.data, other.data) === 0;
}
