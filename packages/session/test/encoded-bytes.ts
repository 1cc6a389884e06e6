import type { MessageEncoder } from "../src/codec/codec.js";

/** The bytes of a message that is encoded in portions. Fails unless they are as many as the encoder says. */
export function encodedBytes(encoder: MessageEncoder, type: number, data: Uint8Array): Buffer {
  const portions: Uint8Array[] = [];
  const source = encoder.encodePortions(type, data);
  for (let next = source.next(); next.done !== true; next = source.next()) portions.push(...next.value);
  const bytes = Buffer.concat(portions);
  const told = encoder.encodedBytes(data.length);
  if (bytes.length !== told) throw new Error(`${told} bytes were announced, ${bytes.length} were encoded`);
  return bytes;
}
