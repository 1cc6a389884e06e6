import { type MessageCipher, SEAL_OVERHEAD_BYTES } from "@ipc/crypto";
import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";
import { type Handshake, receive } from "./steps.js";

/** The longest body of the limits, in bytes: a u32 and an offer today, room for extensions; longer ones are rejected unread. */
const LIMITS_MAX_BYTES = 4_096;

/** The largest maxMessageSize that a peer may announce, in bytes: 1 GiB. */
const ANNOUNCED_SIZE_MAX = 1_073_741_824;

export function encodeLimits(plaintext: Uint8Array, cipher: MessageCipher | undefined): Uint8Array {
  const body = cipher === undefined ? plaintext : cipher.seal(plaintext);
  const limits = new Uint8Array(UINT32_BYTES + body.length);
  writeUint32(limits, 0, body.length);
  limits.set(body, UINT32_BYTES);
  return limits;
}

export interface Limits {
  /** As received: `length(4) ‖ body`. */
  readonly limits: Uint8Array;
  readonly plaintext: Uint8Array;
}

export function* receiveLimits(cipher: MessageCipher | undefined): Handshake<Limits> {
  const shortest = UINT32_BYTES + (cipher === undefined ? 0 : SEAL_OVERHEAD_BYTES);
  const prefix = yield* receive(UINT32_BYTES, "the length of the server's limits");
  const length = readUint32(prefix, 0);
  if (length < shortest || length > LIMITS_MAX_BYTES) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `invalid limits of the server: ${length} bytes, expected ${shortest} … ${LIMITS_MAX_BYTES}; the server does not speak this protocol, or its encryption setting differs`,
    );
  }
  const body = yield* receive(length, "the server's limits");
  const limits = new Uint8Array(UINT32_BYTES + length);
  limits.set(prefix);
  limits.set(body, UINT32_BYTES);
  return { limits, plaintext: cipher === undefined ? body : cipher.open(body) };
}

/** Returns the longest data that a peer receives, in bytes. @throws SessionError IPC_HANDSHAKE_FAILED */
export function checkedMaxMessageSize(announced: number, peer: "client" | "server"): number {
  if (announced >= 1 && announced <= ANNOUNCED_SIZE_MAX) return announced;
  throw new SessionError(
    "IPC_HANDSHAKE_FAILED",
    `invalid limits of the ${peer}: messages of up to ${announced} bytes, expected 1 … ${ANNOUNCED_SIZE_MAX}; change the ${peer}'s \`maxMessageSize\``,
  );
}
