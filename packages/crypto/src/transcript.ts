import { createHash } from "node:crypto";

/** Everything that was said before the keys of `ipcx/1`, each as the bytes that travelled. */
export interface Transcript {
  /** The server's, 2 bytes. */
  readonly hello: Uint8Array;
  /** The client's to the hello, 1 byte. */
  readonly reply: Uint8Array;
  /** 97 bytes. */
  readonly clientPublicKey: Uint8Array;
  /** 97 bytes. */
  readonly serverPublicKey: Uint8Array;
  /** The server's limits as sent, sealed: `length(4) ‖ P`. */
  readonly limits: Uint8Array;
  /** The client's answer to the offer, 1 byte. */
  readonly select: Uint8Array;
}

/**
 * Hashes the transcript: 32 bytes that both sides share only if nobody changed a byte on the way. Keys and signatures are
 * bound to it.
 *
 * `SHA-256("ipcx/1 transcript" ‖ lp(hello) ‖ … ‖ lp(select))`, lp(b) = `length u32 ‖ b`: where one item ends and the next
 * begins cannot be moved.
 */
export function hashTranscript(transcript: Transcript): Uint8Array {
  const { hello, reply, clientPublicKey, serverPublicKey, limits, select } = transcript;
  const hash = createHash("sha256").update("ipcx/1 transcript");
  const length = Buffer.alloc(4);
  for (const item of [hello, reply, clientPublicKey, serverPublicKey, limits, select]) {
    length.writeUInt32BE(item.length);
    hash.update(length).update(item);
  }
  return new Uint8Array(hash.digest());
}
