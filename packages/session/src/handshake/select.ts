import { readUint32, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";
import {
  describeMode,
  MODE_MASK,
  readUint16,
  SELECT_FEATURES,
  type SecurityOffer,
  writeUint16,
} from "../negotiation/offer.js";
import { checkedMaxMessageSize } from "./limits.js";
import { type Handshake, receive } from "./steps.js";

/** The client selects golang-ipc's protocol, in one byte. Every Go client sends this. */
const SELECT_COMPATIBLE = 0x00;

/** The client selects the extension: `80 + mode ‖ features u16 ‖ 00 00 ‖ maxMessageSize u32`. */
const EXTENSION = 0x80;
const RESERVED_MASK = 0b0111_1000;
const SELECT_BYTES = 9;

/** A client's answer to an offer. */
export interface Select {
  /** The selected mode, as MODE bits. */
  readonly mode: number;
  /** The features that the client supports, as FEATURE bits. */
  readonly features: number;
  /** The longest data that the client receives, in bytes. */
  readonly maxMessageSize: number;
}

/** Encodes a select; undefined selects golang-ipc's protocol. */
export function encodeSelect(select: Select | undefined): Uint8Array {
  if (select === undefined) return Uint8Array.of(SELECT_COMPATIBLE);
  const bytes = new Uint8Array(SELECT_BYTES);
  bytes[0] = EXTENSION | select.mode;
  writeUint16(bytes, 1, select.features);
  writeUint32(bytes, 5, select.maxMessageSize);
  return bytes;
}

export interface ReceivedSelect {
  /** As received, 1 or 9 bytes. */
  readonly bytes: Uint8Array;
  /** Undefined: the client selected golang-ipc's protocol. */
  readonly select: Select | undefined;
}

/**
 * Receives a client's select. The first byte is judged before the rest is read, because a golang-ipc client sends no more.
 * @param offer undefined: the server made none, and the byte is ignored
 * @param golangIpcOnly whether every select but that of a golang-ipc client is rejected
 * @throws SessionError IPC_HANDSHAKE_FAILED for a mode not offered or a wrong limit; IPC_SECURITY_REFUSED for less than the
 * server requires
 */
export function* receiveSelect(offer: SecurityOffer | undefined, golangIpcOnly = false): Handshake<ReceivedSelect> {
  const what = "the client's reply to the limits";
  const first = yield* receive(1, what);
  if (golangIpcOnly) assertGolangIpc(first[0] as number);
  const mode = offer === undefined ? undefined : decodeMode(first[0] as number, offer);
  if (mode === undefined) return { bytes: first, select: undefined };
  const bytes = new Uint8Array(SELECT_BYTES);
  bytes.set(first);
  bytes.set(yield* receive(SELECT_BYTES - 1, what), 1);
  const features = readUint16(bytes, 1) & SELECT_FEATURES;
  return { bytes, select: { mode, features, maxMessageSize: checkedMaxMessageSize(readUint32(bytes, 5), "client") } };
}

/**
 * Returns the mode that a client selected; undefined if it selected golang-ipc's protocol.
 * @param byte the first byte of the select
 * @throws SessionError IPC_HANDSHAKE_FAILED for a mode not offered; IPC_SECURITY_REFUSED for less than the server requires
 */
export function decodeMode(byte: number, offer: SecurityOffer): number | undefined {
  if ((byte & EXTENSION) === 0) {
    if (!offer.refusesCompatible) return undefined;
    throw new SessionError(
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol, and `security.require` demands a secure session; a client needs @ipc and the keys",
    );
  }
  const mode = byte & MODE_MASK;
  if ((byte & RESERVED_MASK) !== 0 || (mode & ~offer.accept) !== 0) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `invalid mode of the client: 0x${byte.toString(16)}, which this server did not offer; the client does not speak this protocol`,
    );
  }
  const missing = offer.require & ~mode;
  if (missing !== 0) {
    throw new SessionError(
      "IPC_SECURITY_REFUSED",
      `client rejected: it did not select ${describeMode(missing)}, which this server requires`,
    );
  }
  return mode;
}

/** @throws SessionError IPC_HANDSHAKE_FAILED for a client that is not a golang-ipc client */
function assertGolangIpc(select: number): void {
  if (select === SELECT_COMPATIBLE) return;
  throw new SessionError(
    "IPC_HANDSHAKE_FAILED",
    `the client selected 0x${select.toString(16).padStart(2, "0")}, and this endpoint is kept for a golang-ipc client that redials; an @ipc client requests a new id`,
  );
}
