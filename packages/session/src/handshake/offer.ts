import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";

/** The proofs of a secure session, as bits of the offer and of the select. @see docs/WIRE.md, "Offer and select" */
export const MODE = {
  psk: 0b001,
  serverSigns: 0b010,
  clientSigns: 0b100,
} as const;

const MODE_MASK = 0b111;

/** In the offer's `require`: the server rejects golang-ipc's protocol. In the select: the client selects a secure session. */
const HIGH_BIT = 0x80;
const RESERVED_MASK = 0b0111_1000;

/** "IPCX" and the extension's version, 1. */
const MAGIC: Uint8Array = Uint8Array.of(0x49, 0x50, 0x43, 0x58, 0x01);
const OFFER_BYTES = 8;

/** The client selects golang-ipc's protocol. Every Go client sends this. */
export const SELECT_COMPATIBLE = 0x00;

/** The extension that a server offers in addition to golang-ipc's protocol. */
export interface Offer {
  /** The modes that the server supports, as MODE bits. */
  readonly accept: number;
  /** The modes that the server requires, as MODE bits. */
  readonly require: number;
  /** Whether the server rejects clients that select golang-ipc's protocol. */
  readonly refusesCompatible: boolean;
}

/**
 * Encodes the plaintext of the limits: `maxMessageSize u32`, and if there is an offer, `"IPCX" ‖ 01 ‖ accept u8 ‖ require u8 ‖
 * 00` after it, 12 bytes in all.
 */
export function encodeLimitsPlaintext(maxMessageSize: number, offer: Offer | undefined): Uint8Array {
  const limits = new Uint8Array(UINT32_BYTES + (offer === undefined ? 0 : OFFER_BYTES));
  writeUint32(limits, 0, maxMessageSize);
  if (offer === undefined) return limits;
  limits.set(MAGIC, UINT32_BYTES);
  limits[9] = offer.accept;
  limits[10] = offer.require | (offer.refusesCompatible ? HIGH_BIT : 0);
  return limits;
}

/** Returns the offer in the plaintext of the limits; undefined, not an error, if there is none that this version supports. */
export function tryDecodeOffer(limits: Uint8Array): Offer | undefined {
  if (limits.length < UINT32_BYTES + OFFER_BYTES) return undefined;
  if (MAGIC.some((byte, index) => limits[UINT32_BYTES + index] !== byte)) return undefined;
  const require = limits[10] as number;
  return {
    accept: (limits[9] as number) & MODE_MASK,
    require: require & MODE_MASK,
    refusesCompatible: (require & HIGH_BIT) !== 0,
  };
}

/** Returns the server's maxMessageSize, in bytes: the first four bytes of the limits' plaintext. */
export function decodeMaxMessageSize(limits: Uint8Array): number {
  return readUint32(limits, 0);
}

/** Encodes a client's selection of a secure session, `0x80 | mode`. @param mode MODE bits */
export function encodeSelect(mode: number): number {
  return HIGH_BIT | mode;
}

/** @throws SessionError IPC_HANDSHAKE_FAILED for a client that is not a golang-ipc client */
export function assertGolangIpc(select: number): void {
  if (select === SELECT_COMPATIBLE) return;
  throw new SessionError(
    "IPC_HANDSHAKE_FAILED",
    `the client selected 0x${select.toString(16).padStart(2, "0")}, and this endpoint is kept for a golang-ipc client that redials; an @ipc client requests a new id`,
  );
}

/**
 * Returns the mode that a client selected; undefined if it selected golang-ipc's protocol.
 * @throws SessionError IPC_HANDSHAKE_FAILED for a mode not offered; IPC_SECURITY_REFUSED for less than the server requires
 */
export function decodeSelect(select: number, offer: Offer): number | undefined {
  if ((select & HIGH_BIT) === 0) {
    if (!offer.refusesCompatible) return undefined;
    throw new SessionError(
      "IPC_SECURITY_REFUSED",
      "client rejected: it selected golang-ipc's protocol, and `security.require` demands a secure session; a client needs @ipc and the keys",
    );
  }
  const mode = select & MODE_MASK;
  if ((select & RESERVED_MASK) !== 0 || (mode & ~offer.accept) !== 0) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `invalid mode of the client: 0x${select.toString(16)}, which this server did not offer; the client does not speak this protocol`,
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

/** Describes MODE bits for error messages. */
export function describeMode(mode: number): string {
  const names: string[] = [];
  if ((mode & MODE.psk) !== 0) names.push("a pre-shared key");
  if ((mode & MODE.serverSigns) !== 0) names.push("the server's signature");
  if ((mode & MODE.clientSigns) !== 0) names.push("the client's signature");
  return names.length === 0 ? "keys" : names.join(" and ");
}
