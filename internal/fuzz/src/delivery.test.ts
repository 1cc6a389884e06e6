import { encodeMessage } from "@ipc/framing";
import type { IpcErrorCode } from "@ipc/session";
import { expect, it } from "vitest";
import { MESSAGES } from "./conversation.js";
import { assertAuthentic, assertInOrder, assertWhole } from "./delivery.js";
import type { Input } from "./input.js";

const first = { type: 1, data: Uint8Array.of(1, 2) };
const second = { type: 2, data: Uint8Array.of(3) };
const input: Input = {
  seed: 1,
  target: "server",
  wire: "plain",
  // A handshake of one byte stands before.
  chunks: [Uint8Array.of(0), encodeMessage(1, first.data), encodeMessage(2, second.data)],
  end: "end",
  patient: false,
  writes: false,
  mutations: [],
};

const LEGACY = { handshakeBytes: 1, hasControlFrames: false };
const CONTROL = { handshakeBytes: 1, hasControlFrames: true };
const GOAWAY = encodeMessage(0, Uint8Array.of(3, ...new Uint8Array(17)));

it("accepts the messages of the stream, whole and in order", () => {
  expect(() => assertWhole(input, LEGACY, [first, second], undefined)).not.toThrow();
  expect(() => assertWhole({ ...input, end: "reset" }, LEGACY, [first], "IPC_CONNECTION_LOST")).not.toThrow();
});

it.each([
  ["a message that is missing", [first]],
  ["messages out of order", [second, first]],
  ["a message twice", [first, first, second]],
  ["an altered message", [first, { type: 2, data: Uint8Array.of(4) }]],
  ["one message too many", [first, second, second]],
])("rejects %s", (_what, messages) => {
  expect(() => assertWhole(input, LEGACY, messages, undefined)).toThrow("delivered");
});

it("rejects an error code that the end of the stream does not explain", () => {
  expect(() => assertWhole(input, LEGACY, [first, second], "IPC_FRAME_TRUNCATED")).toThrow("undefined is right");
  expect(() => assertWhole(input, LEGACY, [first, second], "IPC_CONNECTION_LOST")).toThrow("undefined is right");
});

it("accepts an orderly end only after a GOAWAY where control frames are in use, and none after a malformed frame", () => {
  const endingIn = (...last: Uint8Array[]): Input => ({ ...input, chunks: [...input.chunks, ...last] });
  const check = (tried: Input, code: IpcErrorCode | undefined) => () =>
    assertWhole(tried, CONTROL, [first, second], code);
  expect(check(endingIn(GOAWAY), undefined)).not.toThrow();
  expect(check(endingIn(GOAWAY), "IPC_CONNECTION_LOST")).toThrow("undefined is right");
  expect(check(input, "IPC_CONNECTION_LOST")).not.toThrow();
  expect(check(input, undefined)).toThrow("IPC_CONNECTION_LOST is right");
  const short = endingIn(encodeMessage(0, Uint8Array.of(1)), encodeMessage(3, second.data));
  expect(check(short, "IPC_RECORD_INVALID")).not.toThrow();
  expect(check(short, "IPC_CONNECTION_LOST")).toThrow("IPC_RECORD_INVALID is right");
});

it("rejects a delivered message that the peer did not seal", () => {
  expect(() => assertAuthentic(MESSAGES)).not.toThrow();
  expect(() => assertAuthentic([...MESSAGES, { type: 3, data: Uint8Array.of(0) }])).toThrow("the peer did not seal it");
});

it("accepts the first messages of a secure session, and all of them when it ends in order", () => {
  expect(() => assertInOrder(MESSAGES.slice(0, 3), "IPC_RECORD_TRUNCATED")).not.toThrow();
  expect(() => assertInOrder(MESSAGES, undefined)).not.toThrow();
});

it.each([
  ["one left out", [...MESSAGES.slice(0, 2), ...MESSAGES.slice(3)]],
  ["one twice", [...MESSAGES.slice(0, 2), ...MESSAGES.slice(1)]],
  ["one more", [...MESSAGES, ...MESSAGES.slice(-1)]],
])("rejects messages of a secure session with %s", (_what, messages) => {
  expect(() => assertInOrder(messages, "IPC_RECORD_TRUNCATED")).toThrow("not the first that were sealed");
});

it("rejects a secure session that ends in order before it is complete", () => {
  expect(() => assertInOrder(MESSAGES.slice(0, -1), undefined)).toThrow("ended in order after 7 of 8 messages");
});
