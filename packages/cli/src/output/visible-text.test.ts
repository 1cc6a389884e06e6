import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { payloadFields, payloadText, visible, visibleJson } from "./visible-text.js";

/** Texts full of what terminals obey. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
    fc.constantFrom("\u001b", "\u009b", "\u202e", "\u2028", "\u{e0041}", "\\", "é", "\u{1f600}"),
  ),
});
const OBEYED = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

describe("visible", () => {
  it.each([
    ["plain text, é 😀", "plain text, é 😀"],
    ["a\tb", "a\tb"],
    ["\u001b[2J\u0007", "\\x1b[2J\\x07"],
    ["a\r\nb", "a\\r\\nb"],
    ["\u009b\u007f", "\\x9b\\x7f"],
    ["\u202egnp.exe", "\\u{202e}gnp.exe"],
    ["\u{e0041}", "\\u{e0041}"],
  ])("shows %j as %j", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it("leaves nothing that a terminal obeys, for any text", () => {
    fc.assert(fc.property(hostile, (text) => !OBEYED.test(visible(text).replaceAll("\t", ""))));
  });
});

describe("visibleJson", () => {
  it("is the same JSON, without anything that a terminal obeys", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = visibleJson(JSON.stringify({ [text]: [text] }, null, 2));
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
        expect(OBEYED.test(json.replaceAll("\n", ""))).toBe(false);
      }),
    );
  });
});

describe("payloads", () => {
  it("are text where they are UTF-8, and base64 otherwise", () => {
    expect(payloadFields(Buffer.from("é"))).toEqual({ bytes: 2, text: "é" });
    expect(payloadFields(Uint8Array.of(0xff, 0))).toEqual({ bytes: 2, base64: "/wA=" });
    expect(payloadText(Uint8Array.of(0xff, 0))).toBe("base64 /wA=");
  });
});
