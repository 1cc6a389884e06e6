import { isUtf8 } from "node:buffer";

/**
 * Characters that a terminal could obey instead of showing: controls, and marks that turn the direction of text or are not seen. A tab is
 * shown as it is.
 */
const HIDDEN = /(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r" };

/** Returns a text of a peer on one line, with `\n`, `\x1b` or `\u{202e}` in the place of characters that a terminal could obey. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const escaped = code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
    return SHORT[character] ?? escaped;
  });
}

/** Escapes the characters of JSON that a terminal could obey, so that it is the same JSON; lines between its parts stay. */
export function visibleJson(json: string): string {
  return json.replaceAll(HIDDEN, (character) => {
    if (character === "\n") return character;
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/** A payload as `--json` prints it: its text, or base64 where it is not UTF-8. */
export type PayloadFields = { readonly bytes: number } & ({ readonly text: string } | { readonly base64: string });

/** Describes a payload for `--json`. */
export function payloadFields(data: Uint8Array): PayloadFields {
  const buffer = bufferOf(data);
  return isUtf8(data)
    ? { bytes: data.length, text: buffer.toString("utf8") }
    : { bytes: data.length, base64: buffer.toString("base64") };
}

/** Shows a payload to people: its visible text, or base64 where it is not UTF-8. */
export function payloadText(data: Uint8Array): string {
  const buffer = bufferOf(data);
  return isUtf8(data) ? visible(buffer.toString("utf8")) : `base64 ${buffer.toString("base64")}`;
}

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
