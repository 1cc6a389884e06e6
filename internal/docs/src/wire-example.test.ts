import {
  CountedNonces,
  deriveMessageKey,
  deriveSharedX,
  type KeyPair,
  keyPairFromScalar,
  MessageCipher,
} from "@ipc/crypto";
import { encodeBody, encodeFrame, encodeMessage } from "@ipc/framing";
import { clientIdRequest, encodeClientId } from "@ipc/session";
import { describe, expect, test } from "vitest";
import { readText } from "./document.js";

const HELLO = new TextEncoder().encode("hello");
const LIMITS = Uint8Array.of(0x00, 0x30, 0x00, 0x00);

/** The example without what only helps a reader: spaces and line ends. */
const example = readText("docs/WIRE.md").split("## An example, byte by byte")[1]?.replaceAll(/\s/g, "");

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function sealer(key: ReturnType<typeof deriveMessageKey>, prefix: number): MessageCipher {
  return new MessageCipher(key, { nonces: new CountedNonces(Buffer.alloc(8, prefix)) });
}

describe("the example of docs/WIRE.md has", () => {
  const client = keyPairFromScalar(Buffer.alloc(48, 0x11));
  const server = keyPairFromScalar(Buffer.alloc(48, 0x22));
  const short = keyPairFromScalar(Buffer.from("0c".padStart(96, "0"), "hex"));
  const sharedWith = ({ publicKey }: KeyPair): Uint8Array => deriveSharedX(client.privateKey, publicKey);
  const key = deriveMessageKey(sharedWith(server));

  test.each([
    ["the plain limits", encodeFrame(LIMITS)],
    ["the plain message", encodeMessage(1, HELLO)],
    ["the request of an id", encodeMessage(clientIdRequest.type, new TextEncoder().encode(clientIdRequest.data))],
    ["the id", encodeMessage(encodeClientId(1).type, encodeClientId(1).data)],
    ["the client's key", client.publicKey],
    ["the server's key", server.publicKey],
    ["the shared X", sharedWith(server)],
    ["the message key", key.export()],
    ["the sealed limits", encodeFrame(sealer(key, 0x55).seal(LIMITS))],
    ["the sealed message", encodeFrame(sealer(key, 0xcc).seal(encodeBody(1, HELLO)))],
    ["the X with a leading zero", sharedWith(short)],
    ["its message key", deriveMessageKey(sharedWith(short)).export()],
  ])("%s", (_what, bytes) => {
    expect(example).toContain(hex(bytes));
  });
});
