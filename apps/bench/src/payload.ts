import { KIND, type Kind } from "./message-kind.js";

/** A peer that sends bytes gets bytes; one that sends JSON gets a string of as many characters. */
export type Payload = Uint8Array | string;

const LETTER_A = 97;
const LETTERS = 26;
const NUMBER_DIGITS = 8;

/** Makes a payload of `size` bytes that begins with its kind; all others are `a`. */
export function makePayload(kind: Kind, size: number, asText: boolean): Payload {
  const bytes = Buffer.alloc(size, LETTER_A);
  bytes[0] = kind;
  return asText ? bytes.toString("latin1") : bytes;
}

/** Makes a payload that says its number, with letters that differ from its neighbours'. */
export function makeNumbered(number: number, size: number, asText: boolean): Payload {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) bytes[i] = LETTER_A + ((number + i) % LETTERS);
  bytes[0] = KIND.numbered;
  bytes.write(String(number).padStart(NUMBER_DIGITS, "0"), 1, "latin1");
  return asText ? bytes.toString("latin1") : bytes;
}

/** Whether every byte is as `makeNumbered` makes them. */
export function isNumbered(payload: Payload, number: number): boolean {
  const expected = makeNumbered(number, payload.length, false) as Buffer;
  return expected.equals(typeof payload === "string" ? Buffer.from(payload, "latin1") : payload);
}

/** Puts what is told between the two ends behind a kind. */
export function encodeTold(kind: Kind, told: unknown, asText: boolean): Payload {
  const text = String.fromCharCode(kind) + JSON.stringify(told);
  return asText ? text : Buffer.from(text);
}

export function decodeTold<Told>(payload: Payload): Told {
  const text = typeof payload === "string" ? payload : Buffer.from(payload).toString("utf8");
  return JSON.parse(text.slice(1)) as Told;
}
