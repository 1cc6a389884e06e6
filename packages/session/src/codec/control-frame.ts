import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";

/** The longest data of a control frame, in bytes. */
const CONTROL_DATA_MAX_BYTES = 128;

const UINT32_RANGE = 0x1_0000_0000;

/** The first byte of a control frame's data. */
export const OP = { ping: 0x01, pong: 0x02, goaway: 0x03, ack: 0x04, resume: 0x05, resumed: 0x06 } as const;

const OP_BYTES = 1;
/** Size of a count of messages: u64, big-endian. */
export const COUNT_BYTES = 8;
const AT = { id: 1, reason: 1, received: 2, taken: 10, acknowledged: 1 } as const;
const PING_BYTES: number = OP_BYTES + UINT32_BYTES;
const GOAWAY_BYTES: number = AT.taken + COUNT_BYTES;
const ACK_BYTES: number = OP_BYTES + 2 * COUNT_BYTES;

/** Why a side ends a connection, by their numbers on the wire. */
const REASONS = ["closing", "draining", "busy", "key withdrawn", "leaving"] as const;

export type GoawayReason = (typeof REASONS)[number];

/** Asks the peer for a PONG, or answers its PING. */
interface EchoFrame {
  readonly op: "ping" | "pong";
  /** u32; the PONG has the id of its PING. */
  readonly id: number;
}

/** How many messages a side has received over all connections of a session, and how many of them its application is done with. */
export interface DeliveryCounts {
  /** Exact up to 2^53-1; a larger u64 is never valid. */
  readonly received: number;
  readonly taken: number;
}

/** Announces the end of the connection; the counts are 0 without resume. */
interface GoawayFrame extends DeliveryCounts {
  readonly op: "goaway";
  readonly reason: GoawayReason;
}

/** Acknowledges messages of a resumable session. */
interface AckFrame extends DeliveryCounts {
  readonly op: "ack";
}

export type ControlFrame = EchoFrame | GoawayFrame | AckFrame;

/**
 * Encodes the data of a control frame: `op u8 ‖ id u32`, `op u8 ‖ reason u8 ‖ received u64 ‖ taken u64`, or `op u8 ‖ received u64 ‖
 * taken u64`.
 */
export function encodeControlFrame(frame: ControlFrame): Uint8Array {
  switch (frame.op) {
    case "ping":
    case "pong": {
      const data = new Uint8Array(PING_BYTES);
      data[0] = OP[frame.op];
      writeUint32(data, AT.id, frame.id);
      return data;
    }
    case "goaway": {
      const data = new Uint8Array(GOAWAY_BYTES);
      data[0] = OP.goaway;
      data[AT.reason] = REASONS.indexOf(frame.reason);
      writeCount(data, AT.received, frame.received);
      writeCount(data, AT.taken, frame.taken);
      return data;
    }
    case "ack": {
      const data = new Uint8Array(ACK_BYTES);
      data[0] = OP.ack;
      writeCount(data, AT.acknowledged, frame.received);
      writeCount(data, AT.acknowledged + COUNT_BYTES, frame.taken);
      return data;
    }
  }
}

/**
 * Decodes the data of a control frame; undefined for an op or a reason that this version does not know, which is ignored.
 * @throws SessionError IPC_RECORD_INVALID for data that is empty or longer than 128 bytes, for a known op of another length, and for
 * RESUME and RESUMED, which belong to the handshake
 */
export function decodeControlFrame(data: Uint8Array): ControlFrame | undefined {
  if (data.length === 0 || data.length > CONTROL_DATA_MAX_BYTES)
    refuse("data", data.length, `1 … ${CONTROL_DATA_MAX_BYTES}`);
  switch (data[0] as number) {
    case OP.ping:
      return { op: "ping", id: decodeId("PING", data) };
    case OP.pong:
      return { op: "pong", id: decodeId("PONG", data) };
    case OP.goaway:
      return decodeGoaway(data);
    case OP.ack:
      return decodeAck(data);
    case OP.resume:
    case OP.resumed:
      throw new SessionError(
        "IPC_RECORD_INVALID",
        "invalid control frame: RESUME or RESUMED outside the handshake; the peer does not speak this protocol",
      );
    default:
      return undefined;
  }
}

function decodeId(what: string, data: Uint8Array): number {
  if (data.length !== PING_BYTES) refuse(what, data.length, PING_BYTES);
  return readUint32(data, AT.id);
}

function decodeGoaway(data: Uint8Array): GoawayFrame | undefined {
  if (data.length !== GOAWAY_BYTES) refuse("GOAWAY", data.length, GOAWAY_BYTES);
  const reason = REASONS[data[AT.reason] as number];
  if (reason === undefined) return undefined;
  return {
    op: "goaway",
    reason,
    received: readCount(data, AT.received),
    taken: readCount(data, AT.taken),
  };
}

function decodeAck(data: Uint8Array): AckFrame {
  if (data.length !== ACK_BYTES) refuse("ACK", data.length, ACK_BYTES);
  const at = AT.acknowledged;
  return { op: "ack", received: readCount(data, at), taken: readCount(data, at + COUNT_BYTES) };
}

/** Writes a count, 0 … 2^53-1, as u64. */
export function writeCount(data: Uint8Array, at: number, count: number): void {
  writeUint32(data, at, Math.floor(count / UINT32_RANGE));
  writeUint32(data, at + UINT32_BYTES, count % UINT32_RANGE);
}

/** Reads a u64; exact up to 2^53-1. */
export function readCount(data: Uint8Array, at: number): number {
  return readUint32(data, at) * UINT32_RANGE + readUint32(data, at + UINT32_BYTES);
}

function refuse(what: string, bytes: number, expected: number | string): never {
  throw new SessionError(
    "IPC_RECORD_INVALID",
    `invalid control frame: ${what} of ${bytes} bytes, expected ${expected}; the peer does not speak this protocol`,
  );
}
