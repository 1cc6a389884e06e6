import { createSecretKey } from "node:crypto";
import { deriveMessageKey, deriveSharedSecret, type KeyPair, keyPairFromScalar, MessageCipher } from "@ipc/crypto";
import { describe, expect, test } from "vitest";
import type { HandshakeOutcome } from "../codec/codec.js";
import { NO_CREDENTIALS } from "../negotiation/credentials.js";
import { type ClientHandshakeOptions, clientHandshake } from "./client-handshake.js";
import type { HandshakeAnswer } from "./steps.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const u32 = (value: number): string => value.toString(16).padStart(8, "0");

const ours = keyPairFromScalar(new Uint8Array(48).fill(1));
const theirs = keyPairFromScalar(new Uint8Array(48).fill(2));
const OUR_KEY = hexOf(ours.publicKey);
const THEIR_KEY = hexOf(theirs.publicKey);

/** The part of an offer after its modes: the feature 01, no name, and an instance of zero bytes. */
const BEHIND = `00010000${"00".repeat(32)}`;

/** 3 MiB, and the offer: "IPCX", version 1, takes a pre-shared key, requires nothing. */
const OFFER = `003000004950435801010000${BEHIND}`;

/** The select of a client that takes 2 KiB. */
const SELECT = "800001000000000800";

/** As the server would seal it. */
function sealed(plaintext: Uint8Array): string {
  const key = deriveMessageKey(deriveSharedSecret(theirs.privateKey, ours.publicKey));
  return hexOf(new MessageCipher(key).seal(plaintext));
}

interface Conversation {
  readonly sent: string[];
  /** How many bytes were asked for, and as what. */
  readonly asked: string[];
  readonly result: HandshakeOutcome | undefined;
  readonly error: unknown;
}

/** Runs the handshake against all that the server says. */
function converse(server: string, want: Partial<ClientHandshakeOptions> = {}, pair: KeyPair = ours): Conversation {
  const sent: string[] = [];
  const asked: string[] = [];
  const input = bytes(server);
  let at = 0;
  const handshake = clientHandshake({ name: "orders", maxMessageSize: 2_048, encryption: true, ...want });
  try {
    let step = handshake.next();
    while (step.done !== true) {
      let answer: HandshakeAnswer;
      if (step.value.kind === "send") sent.push(hexOf(step.value.bytes));
      if (step.value.kind === "keyPair") answer = pair;
      if (step.value.kind === "sharedSecret") answer = deriveSharedSecret(step.value.privateKey, step.value.publicKey);
      if (step.value.kind === "receive") {
        asked.push(`${step.value.bytes}: ${step.value.what}`);
        if (at + step.value.bytes > input.length) throw new Error("the server said no more");
        answer = input.subarray(at, at + step.value.bytes);
        at += step.value.bytes;
      }
      step = handshake.next(answer);
    }
    return { sent, asked, result: step.value, error: undefined };
  } catch (error) {
    return { sent, asked, result: undefined, error };
  }
}

describe("a client's handshake", () => {
  test("sends and reads the reply, the limits and the reply without encryption", () => {
    const { sent, asked, result } = converse("0200 00000004 00300000", { encryption: false });
    expect(sent).toEqual(["00", "00"]);
    expect(asked).toEqual(["2: the server's hello", "4: the length of the server's limits", "4: the server's limits"]);
    expect(result).toMatchObject({ maxSendSize: 3_145_728, codec: { security: { mode: "plain" } } });
  });

  test.each([true, false])(
    "is encrypted when the server selects it, and whether the client requires it or not: %s",
    (encryption) => {
      const limits = sealed(bytes("00100000"));
      const { sent, asked, result } = converse(`0201 ${THEIR_KEY} 00000020 ${limits}`, { encryption });
      expect(sent).toEqual(["00", OUR_KEY, "00"]);
      expect(asked[1]).toBe("97: the peer's public key");
      expect(result).toMatchObject({ maxSendSize: 1_048_576, codec: { security: { mode: "compatible" } } });
    },
  );
});

describe("a client rejects", () => {
  test.each([
    ["version 1", "0101", 1],
    ["version 3, though what follows looks busy", "03ff", 3],
    ["what is no version", "4854", 72],
  ])("%s, and notifies the server", (_what, hello, version) => {
    const { sent, error } = converse(hello);
    expect(sent).toEqual(["01"]);
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_VERSION_MISMATCH",
      message: expect.stringContaining(`server \`orders\` speaks ${version}, this client 2`),
    });
  });

  test("a server without encryption when it requires encryption, and notifies the server", () => {
    const { sent, error } = converse("0200 00000004 00300000");
    expect(sent).toEqual(["02"]);
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_ENCRYPTION_REFUSED",
      message:
        "server `orders` offers no encryption; start a golang-ipc server with `Encryption: true`, or pass `encryption: false` to use plain text",
    });
  });

  test.each([true, false])("a busy server without a wait, and sends nothing; encryption: %s", (encryption) => {
    const { sent, error } = converse("02ff", { encryption });
    expect(sent).toEqual([]);
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_SERVER_BUSY",
      message: expect.stringContaining("server `orders` is busy: it serves its maximum of clients"),
    });
  });

  test.each([2, 3, 0x80, 0xfe])("the mode byte %i, and sends nothing", (mode) => {
    const { sent, error } = converse(`02${mode.toString(16).padStart(2, "0")}`);
    expect(sent).toEqual([]);
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining(`hello of server \`orders\`: ${mode}, expected 0 (plain) or 1 (encrypted)`),
    });
  });

  test.each([
    ["that is 97 junk bytes", "41".repeat(97)],
    ["that is not on the curve", `04${"41".repeat(96)}`],
  ])("a public key %s, before anything else is sent", (_what, key) => {
    const { sent, error } = converse(`0201 ${key}`);
    expect(sent).toEqual(["00", OUR_KEY]);
    expect(error).toMatchObject({ name: "CryptoError", code: "IPC_PUBLIC_KEY_INVALID" });
  });

  test.each([0, 15, 31])("sealed limits with byte %i altered", (at) => {
    const limits = bytes(sealed(bytes("00100000")));
    limits[at] = (limits[at] as number) ^ 1;
    const { sent, error } = converse(`0201 ${THEIR_KEY} 00000020 ${hexOf(limits)}`);
    expect(sent).toEqual(["00", OUR_KEY]);
    expect(error).toMatchObject({ name: "CryptoError", code: "IPC_DECRYPTION_FAILED" });
  });
});

describe("the server's limits", () => {
  const plain = (body: string, want: Partial<ClientHandshakeOptions> = {}): Conversation =>
    converse(`0200 ${u32(body.length / 2)} ${body}`, { encryption: false, ...want });
  const encrypted = (plaintext: string, want: Partial<ClientHandshakeOptions> = {}): Conversation => {
    const body = sealed(bytes(plaintext));
    return converse(`0201 ${THEIR_KEY} ${u32(body.length / 2)} ${body}`, want);
  };

  test.each([
    ["plain", 0, 4],
    ["plain", 3, 4],
    ["plain", 4_097, 4],
    ["plain", 0xffff_ffff, 4],
    ["encrypted", 4, 32],
    ["encrypted", 31, 32],
    ["encrypted", 4_097, 32],
    ["encrypted", 0x8000_0000, 32],
  ])("are rejected unread when they are %s, of %i bytes", (mode, length, shortest) => {
    const hello = mode === "plain" ? "0200" : `0201 ${THEIR_KEY}`;
    const { asked, error } = converse(`${hello} ${u32(length)}`, { encryption: mode === "encrypted" });
    expect(asked.at(-1)).toBe("4: the length of the server's limits");
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining(`invalid limits of the server: ${length} bytes, expected ${shortest} … 4096`),
    });
  });

  const LIMITS = [
    ["the shortest", "00300000"],
    ["one byte more", "0030000001"],
    ["an offer without its last byte", OFFER.slice(0, -2)],
    ["an offer of another version", OFFER.replace("4950435801", "4950435802")],
    ["an offer under another magic", OFFER.replace("4950435801", "4950435901")],
    ["an offer at another place", OFFER.replace("00300000", "0030000000")],
    ["the longest, all junk", `00300000${"ee".repeat(4_092)}`],
  ] as const;

  test.each(LIMITS)("are read from the first four bytes, and the others are ignored: %s", (_what, body) => {
    expect(plain(body)).toMatchObject({ error: undefined, sent: ["00", "00"], result: { maxSendSize: 3_145_728 } });
    // The longest sealed body is 28 bytes shorter inside.
    const inside = body.slice(0, (4_096 - 28) * 2);
    expect(encrypted(inside)).toMatchObject({
      error: undefined,
      sent: ["00", OUR_KEY, "00"],
      result: { maxSendSize: 3_145_728, codec: { security: { mode: "compatible" } } },
    });
  });

  test.each([
    ["alone", OFFER],
    ["with more behind it", `${OFFER}ee`],
    ["with its reserved byte set", OFFER.replace("01010000", "010100ff")],
    ["up to the limits' end", OFFER + "ee".repeat(4_096 - 28 - 48)],
  ])("that offer ipcx/1, %s, are passed over by a client that speaks golang-ipc's protocol only", (_what, body) => {
    const golang = { ...NO_CREDENTIALS, supportsSecure: false };
    const mode = (name: string): object => ({
      error: undefined,
      result: { maxSendSize: 3_145_728, codec: { security: { mode: name } } },
    });
    const inClear = plain(body, { credentials: golang });
    expect(inClear).toMatchObject(mode("plain"));
    expect(inClear.sent).toEqual(["00", "00"]);
    const sealedOnes = encrypted(body, { credentials: golang });
    expect(sealedOnes).toMatchObject(mode("compatible"));
    expect(sealedOnes.sent).toEqual(["00", OUR_KEY, "00"]);
  });

  test.each([
    ["alone", OFFER],
    ["with more behind it", `${OFFER}ee`],
    ["with its reserved byte set", OFFER.replace("01010000", "010100ff")],
    ["that accepts what no version knows", OFFER.replace("01010000", "01f80000")],
    ["up to the limits' end", OFFER + "ee".repeat(4_096 - 28 - 48)],
  ])("that offer ipcx/1, %s, are answered by 80: in the clear alone, encrypted with an AUTH", (_what, body) => {
    expect(plain(body)).toMatchObject({
      error: undefined,
      sent: ["00", SELECT],
      result: { maxSendSize: 3_145_728, features: 1, codec: { security: { mode: "plain", peer: { psk: false } } } },
    });
    const { sent, asked } = encrypted(body);
    expect(sent).toEqual(["00", OUR_KEY, expect.stringMatching(new RegExp(`^${SELECT}01000030[0-9a-f]{96}$`))]);
    expect(asked.at(-1)).toBe("4: the server's AUTH");
  });

  test.each([1, 1_024, 1_073_741_824])("may announce %i bytes", (size) => {
    expect(plain(u32(size)).result?.maxSendSize).toBe(size);
    expect(encrypted(u32(size)).result?.maxSendSize).toBe(size);
  });

  test.each([0, 1_073_741_825, 0xffff_ffff])("may not announce %i bytes", (size) => {
    for (const { error, sent } of [plain(u32(size)), encrypted(u32(size))]) {
      expect(sent.filter((item) => item === "00")).toHaveLength(1);
      expect(error).toMatchObject({
        name: "SessionError",
        code: "IPC_HANDSHAKE_FAILED",
        message: `invalid limits of the server: messages of up to ${size} bytes, expected 1 … 1073741824; change the server's \`maxMessageSize\``,
      });
    }
  });
});

describe("a client that rejects an offer", () => {
  const psk = createSecretKey(new Uint8Array(32));
  const INSISTING = { ...NO_CREDENTIALS, psks: [psk], require: true };

  test.each([
    ["nothing: a golang-ipc server listens no more after a handshake that failed", "00300000", INSISTING, ["00"]],
    ["too little: it would be taken for a client that has come", `003000004950435801000000${BEHIND}`, INSISTING, []],
    [
      "what it has no key for, and nothing else: the server can say why",
      `003000004950435801018100${BEHIND}`,
      NO_CREDENTIALS,
      ["00"],
    ],
  ])("sends its rejection before it disconnects, offered %s", (_what, plaintext, credentials, last) => {
    const limits = sealed(bytes(plaintext));
    const { sent, error } = converse(`0201 ${THEIR_KEY} ${u32(limits.length / 2)} ${limits}`, { credentials });
    expect(sent).toEqual(["00", OUR_KEY, ...last]);
    expect(error).toMatchObject({ name: "SessionError", code: "IPC_SECURITY_REFUSED" });
  });

  test("disconnects without encryption when it was in a secure session before", () => {
    for (const [limits, last] of [
      ["00000004 00300000", ["00"]],
      [`00000030 003000004950435801000000${BEHIND}`, []],
    ] as const) {
      const { sent, error } = converse(`0200 ${limits}`, { encryption: false, earlierMode: 0 });
      expect(sent).toEqual(["00", ...last]);
      expect(error).toMatchObject({ code: "IPC_SECURITY_REFUSED" });
    }
  });

  test("rejects a server of another name, and accepts a server without a name unless it requires keys", () => {
    const offered = (name: string, want: Partial<ClientHandshakeOptions> = {}): Conversation => {
      const limits = `003000004950435801000000 00010000 ${name} ${"00".repeat(16)}`;
      return converse(`0200 00000030 ${limits}`, { encryption: false, serverName: "orders", address: "/x", ...want });
    };
    const [orders, none, other] = ["6b4653982911baea7bf9d3cb19db921a", "00".repeat(16), "ab".repeat(16)];
    for (const name of [orders, none]) expect(offered(name).sent).toEqual(["00", SELECT]);
    const refused = { code: "IPC_SECURITY_REFUSED", message: expect.stringContaining("/x is not `orders`") };
    expect(offered(other)).toMatchObject({ sent: ["00"], error: refused });
    expect(offered(other, { serverName: undefined }).error).toBeUndefined();
    const golang = { ...NO_CREDENTIALS, supportsSecure: false };
    expect(offered(other, { credentials: golang }).error).toMatchObject(refused);
  });
});
