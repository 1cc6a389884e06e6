import { describe, expect, it } from "vitest";
import { noOrigin } from "../test/no-origin.js";
import { clientIdRequest, encodeClientId, isClientIdRequest, tryDecodeClientId } from "./client-id-protocol.js";
import { ReceivedMessage } from "./message.js";

const message = (type: number, ...data: number[]): ReceivedMessage =>
  new ReceivedMessage(type, Uint8Array.from(data), noOrigin);
const text = (type: number, words: string): ReceivedMessage => new ReceivedMessage(type, Buffer.from(words), noOrigin);

// "client_id_request"
const REQUEST_BYTES = [
  0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x5f, 0x69, 0x64, 0x5f, 0x72, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74,
];

describe("the request for a client id", () => {
  it("equals golang-ipc's: type 12 and 17 bytes of text", () => {
    expect(clientIdRequest.type).toBe(12);
    expect([...Buffer.from(clientIdRequest.data)]).toEqual(REQUEST_BYTES);
    expect(isClientIdRequest(message(12, ...REQUEST_BYTES))).toBe(true);
  });

  it.each([
    ["another type", message(11, ...REQUEST_BYTES)],
    ["no data", message(12)],
    ["one byte less", text(12, "client_id_reques")],
    ["one byte more", text(12, "client_id_request\n")],
    ["capitals", text(12, "CLIENT_ID_REQUEST")],
    ["an answer", message(12, 0, 0, 0, 1)],
  ])("is not a message with %s", (_what, other) => {
    expect(isClientIdRequest(other)).toBe(false);
  });
});

describe("the answer", () => {
  it.each([
    [1, [0, 0, 0, 1]],
    [258, [0, 0, 1, 2]],
    [65_537, [0, 1, 0, 1]],
    [4_294_967_295, [0xff, 0xff, 0xff, 0xff]],
  ])("with the id %i is type 12 and its four bytes, the highest first", (id, bytes) => {
    const answer = encodeClientId(id);
    expect(answer.type).toBe(12);
    expect([...answer.data]).toEqual(bytes);
    expect(tryDecodeClientId(message(12, ...bytes))).toBe(id);
  });

  it.each([
    ["another type", message(13, 0, 0, 0, 1)],
    ["three bytes", message(12, 0, 0, 1)],
    ["five bytes", message(12, 0, 0, 0, 0, 1)],
    ["the id 0, which no client has", message(12, 0, 0, 0, 0)],
    ["the request", text(12, "client_id_request")],
  ])("is not a message with %s", (_what, other) => {
    expect(tryDecodeClientId(other)).toBeUndefined();
  });
});
