import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";

/** The longest data of a control frame, in bytes. */
const CONTROL_DATA_MAX_BYTES = 128;

const OP = { ping: 0x01, pong: 0x02, goaway: 0x03 } as const;

const OP_BYTES = 1;
const COUNT_BYTES = 8;
const AT = { id: 1, reason: 1, received: 2, taken: 10 } as const;
const PING_BYTES: number = OP_BYTES + UINT32_BYTES;
const GOAWAY_BYTES: number = AT.taken + COUNT_BYTES;

/** Why a side ends a connection, by their numbers on the wire. */
const REASONS = ["closing", "draining", "busy", "key withdrawn"] as const;

export type GoawayReason = (typeof REASONS)[number];

/** Asks the peer for a PONG, or answers its PING. */
interface EchoFrame {
  readonly op: "ping" | "pong";
  /** u32; the PONG has the id of its PING. */
  readonly id: number;
}

/** Announces the end of the connection. */
interface GoawayFrame {
  readonly op: "goaway";
  readonly reason: GoawayReason;
  /** Messages that the sender has received, and that its application has taken, as u64; 0 without resume. */
  readonly received: bigint;
  readonly taken: bigint;
}

export type ControlFrame = EchoFrame | GoawayFrame;

/** Encodes the data of a control frame: `op u8 ‖ id u32`, or `op u8 ‖ reason u8 ‖ received u64 ‖ taken u64`. */
export function encodeControlFrame(frame: ControlFrame): Uint8Array {
  if (frame.op !== "goaway") {
    const data = new Uint8Array(PING_BYTES);
    data[0] = OP[frame.op];
    writeUint32(data, AT.id, frame.id);
    return data;
  }
  const data = new Uint8Array(GOAWAY_BYTES);
  data[0] = OP.goaway;
  data[AT.reason] = REASONS.indexOf(frame.reason);
  const counts = viewOf(data);
  counts.setBigUint64(AT.received, frame.received);
  counts.setBigUint64(AT.taken, frame.taken);
  return data;
}

/**
 * Decodes the data of a control frame; undefined for an op or a reason that this version does not know, which is ignored.
 * @throws SessionError IPC_RECORD_INVALID for data that is empty or longer than 128 bytes, and for a known op of another length
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
  const counts = viewOf(data);
  const [received, taken] = [counts.getBigUint64(AT.received), counts.getBigUint64(AT.taken)];
  return { op: "goaway", reason, received, taken };
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function refuse(what: string, bytes: number, expected: number | string): never {
  throw new SessionError(
    "IPC_RECORD_INVALID",
    `invalid control frame: ${what} of ${bytes} bytes, expected ${expected}; the peer does not speak this protocol`,
  );
}
