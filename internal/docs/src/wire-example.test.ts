import {
  CountedNonces,
  deriveMessageKey,
  deriveSharedSecret,
  type KeyPair,
  keyPairFromScalar,
  MessageCipher,
} from "@ipc/crypto";
import { encodeBody, encodeFrame, encodeMessage } from "@ipc/framing";
import { clientIdRequest, encodeClientId } from "@ipc/session/internal";
import { describe, expect, test } from "vitest";
import { encodeFailure } from "../../../packages/rpc/src/serve/failure.js";
import { encodeFrame as encodeCallFrame, FLAG, KIND } from "../../../packages/rpc/src/wire/frame.js";
import { readText } from "../../architecture/src/source-tree.js";
import { readDocument } from "./document.js";

const HELLO = new TextEncoder().encode("hello");
const LIMITS = Uint8Array.of(0x00, 0x30, 0x00, 0x00);

/** The example in the document, without spaces and line ends, which only help a reader. */
const shown = readDocument("docs/WIRE.md")
  .fences.filter(({ words }) => words.join(" ") === "text")
  .map(({ code }) => code.replaceAll(/\s/g, ""));

/** The session of the page, values in hex but for its records. */
interface GoldenSession {
  readonly name: string;
  readonly about: string;
  readonly "client records": readonly { readonly record: string }[];
  readonly "server records": readonly { readonly record: string }[];
  readonly [name: string]: unknown;
}
const { sessions } = JSON.parse(readText("internal/conformance/vectors/ipcx-1.json")) as {
  readonly sessions: readonly GoldenSession[];
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function sealer(key: ReturnType<typeof deriveMessageKey>, prefix: number): MessageCipher {
  return new MessageCipher(key, { nonces: new CountedNonces(Buffer.alloc(8, prefix)) });
}

describe("the section on calls of docs/WIRE.md has", () => {
  const name = (text: string): Buffer => Buffer.from(text);
  const callLines = readDocument("docs/WIRE.md").fences.flatMap(({ words, code }) =>
    words.join(" ") === "text" ? code.split("\n").map((line) => line.replaceAll(" ", "")) : [],
  );

  test.each([
    ["the call", encodeCallFrame({ kind: 1, id: 1, number: 30_000, name: name("get"), payload: '{"id":7}' })],
    ["the result", encodeCallFrame({ kind: 6, id: 1, payload: '{"id":7}' })],
    ["the error", encodeCallFrame({ kind: 7, id: 1, name: name("ipc.busy"), payload: '{"message":"x"}' })],
    ["the error of a call that has begun", encodeFailure(1, { code: "ipc.busy", message: "x", executed: "maybe" })],
    ["the one-way call", encodeCallFrame({ kind: KIND.call, flags: FLAG.oneWay, id: 3, name: name("get") })],
    [
      "the call with a meta and items",
      encodeCallFrame({
        kind: KIND.call,
        flags: FLAG.items,
        id: 5,
        number: 30_000,
        name: name("put"),
        meta: name('{"a":"b"}'),
        payload: '{"id":7}',
      }),
    ],
    ["the item", encodeCallFrame({ kind: KIND.item, id: 5, payload: "1" })],
    ["the end of the items", encodeCallFrame({ kind: KIND.end, id: 5 })],
    ["the credit", encodeCallFrame({ kind: KIND.credit, id: 5, number: 4_096 })],
    ["the cancel", encodeCallFrame({ kind: KIND.cancel, id: 5 })],
  ])("%s", (_what, bytes) => {
    // Whole lines: most of these are all zeros at their end, and other bytes have such runs too.
    expect(callLines).toContain(hex(bytes));
  });
});

describe("the example of docs/WIRE.md has", () => {
  const client = keyPairFromScalar(Buffer.alloc(48, 0x11));
  const server = keyPairFromScalar(Buffer.alloc(48, 0x22));
  const short = keyPairFromScalar(Buffer.from("0c".padStart(96, "0"), "hex"));
  const sharedWith = ({ publicKey }: KeyPair): Uint8Array => deriveSharedSecret(client.privateKey, publicKey);
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
    expect(shown.join("\n")).toContain(hex(bytes));
  });
});

describe("the session of docs/WIRE.md has", () => {
  const session = sessions.find(({ name }) => name === "psk");
  if (session === undefined) throw new Error("the vectors have no session psk");
  const { name: _name, about: _about, "limits nonce": _nonce, ...rest } = session;
  const block = shown.find((text) => text.includes(String(session["TH"]))) ?? "";
  const values = Object.entries(rest).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" ? [[name, value]] : [],
  );
  const records = (["client records", "server records"] as const).flatMap((name) =>
    session[name].map(({ record }, seq): [string, string] => [`${name}, ${seq}`, record]),
  );

  test.each([...values, ...records])("the golden %s", (_name, value) => {
    expect(block).toContain(value);
  });
});

test("docs/WIRE.md names every field of the vectors", () => {
  const page = readText("docs/WIRE.md");
  const [session] = sessions;
  const vectors = JSON.parse(readText("internal/conformance/vectors/ipcx-1.json")) as Record<string, unknown>;
  const refused = vectors["refused"] as readonly Record<string, unknown>[];
  const names = [Object.keys(vectors), Object.keys(session ?? {}), refused.flatMap((one) => Object.keys(one))].flat();
  const ofServer = /^(next )?s /;
  const missing = [...new Set(names)].filter((name) => !ofServer.test(name) && !page.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});

test("the vectors describe each stream that a side must refuse in words of its own", () => {
  const vectors = JSON.parse(readText("internal/conformance/vectors/ipcx-1.json")) as {
    readonly refused: readonly { readonly role: string; readonly about: string }[];
  };
  const described = vectors.refused.map(({ role, about }) => `${role}: ${about}`);
  expect(new Set(described).size).toBe(described.length);
});
