import { randomBytes } from "node:crypto";
import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SERVER_NAME_BYTES } from "./server-name.js";

/** The proofs of a secure session, as bits of the offer and of the select. @see docs/WIRE.md, "Offer and select" */
export const MODE = {
  psk: 0b001,
  serverSigns: 0b010,
  clientSigns: 0b100,
} as const;

export const MODE_MASK = 0b111;

/** Optional parts of the protocol, as bits of the offer and of the select; a connection uses what both sides announce. */
export const FEATURE = {
  /** Control frames: messages of type 0 between two @ipc peers. @see docs/WIRE.md, "Control frames" */
  controlFrames: 0b0001,
  /** Resume, in a secure session. @see docs/WIRE.md, "Resume" */
  resume: 0b0010,
  /** Only in a select: the client's first frame is RESUME. */
  resumeFollows: 0b1000,
} as const;

/** The bits of an offer that this version knows; others are ignored. */
const OFFER_FEATURES: number = FEATURE.controlFrames | FEATURE.resume;

/** The bits of a select that this version knows; others are ignored. */
export const SELECT_FEATURES: number = OFFER_FEATURES | FEATURE.resumeFollows;

/** Returns the features of a side, as FEATURE bits. */
export function featuresOf(hasResume: boolean): number {
  return hasResume ? FEATURE.controlFrames | FEATURE.resume : FEATURE.controlFrames;
}

/** Whether both sides can resume, which needs control frames. @param features that both have */
export function hasResume(features: number): boolean {
  return (features & FEATURE.resume) !== 0 && (features & FEATURE.controlFrames) !== 0;
}

/** In `require`: the server rejects golang-ipc's protocol. */
const REFUSES_COMPATIBLE = 0x80;

/** "IPCX" and the extension's version, 1. */
const MAGIC: Uint8Array = Uint8Array.of(0x49, 0x50, 0x43, 0x58, 0x01);

/** Offsets in the plaintext of the limits, in bytes. */
const AT = { magic: 4, accept: 9, require: 10, features: 12, name: 16, instance: 32, end: 48 } as const;

/** Size of a server's instance id. */
const INSTANCE_BYTES: number = AT.end - AT.instance;

/** The secure sessions that a server offers in addition to golang-ipc's protocol. */
export interface SecurityOffer {
  /** The modes that the server supports, as MODE bits. */
  readonly accept: number;
  /** The modes that the server requires, as MODE bits. */
  readonly require: number;
  /** Whether the server rejects clients that select golang-ipc's protocol. */
  readonly refusesCompatible: boolean;
}

/** The extension that a server offers. */
export interface Offer extends SecurityOffer {
  /** The features that the server supports, as FEATURE bits. */
  readonly features: number;
  /** Hash of the server's name, 16 bytes; all zero: the server has no name. */
  readonly nameHash: Uint8Array;
  /** 16 random bytes of this server object. */
  readonly instance: Uint8Array;
}

/** Creates the instance id of a server object. */
export function createInstanceId(): Uint8Array {
  return new Uint8Array(randomBytes(INSTANCE_BYTES));
}

/**
 * Encodes the plaintext of the limits: `maxMessageSize u32`, and with an offer, 48 bytes in all: `maxMessageSize u32 ‖ "IPCX" ‖
 * 01 ‖ accept u8 ‖ require u8 ‖ 00 ‖ features u16 ‖ 00 00 ‖ name(16) ‖ instance(16)`.
 */
export function encodeLimitsPlaintext(maxMessageSize: number, offer: Offer | undefined): Uint8Array {
  const limits = new Uint8Array(offer === undefined ? UINT32_BYTES : AT.end);
  writeUint32(limits, 0, maxMessageSize);
  if (offer === undefined) return limits;
  limits.set(MAGIC, AT.magic);
  limits[AT.accept] = offer.accept;
  limits[AT.require] = offer.require | (offer.refusesCompatible ? REFUSES_COMPATIBLE : 0);
  writeUint16(limits, AT.features, offer.features);
  limits.set(assertLength(offer.nameHash, SERVER_NAME_BYTES), AT.name);
  limits.set(assertLength(offer.instance, INSTANCE_BYTES), AT.instance);
  return limits;
}

/** Returns the offer in the plaintext of the limits; undefined, not an error, if there is none that this version supports. */
export function tryDecodeOffer(limits: Uint8Array): Offer | undefined {
  if (limits.length < AT.end) return undefined;
  if (MAGIC.some((byte, index) => limits[AT.magic + index] !== byte)) return undefined;
  const require = limits[AT.require] as number;
  return {
    accept: (limits[AT.accept] as number) & MODE_MASK,
    require: require & MODE_MASK,
    refusesCompatible: (require & REFUSES_COMPATIBLE) !== 0,
    features: readUint16(limits, AT.features) & OFFER_FEATURES,
    nameHash: limits.slice(AT.name, AT.instance),
    instance: limits.slice(AT.instance, AT.end),
  };
}

/** Returns the server's maxMessageSize, in bytes: the first four bytes of the limits' plaintext. */
export function decodeMaxMessageSize(limits: Uint8Array): number {
  return readUint32(limits, 0);
}

/** Describes MODE bits for error messages. */
export function describeMode(mode: number): string {
  const names: string[] = [];
  if ((mode & MODE.psk) !== 0) names.push("a pre-shared key");
  if ((mode & MODE.serverSigns) !== 0) names.push("the server's signature");
  if ((mode & MODE.clientSigns) !== 0) names.push("the client's signature");
  return names.length === 0 ? "keys" : names.join(" and ");
}

function assertLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`offer: a field of ${length} bytes got ${bytes.length}`);
  return bytes;
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value & 0xff;
}
