import { deriveMessageKey, deriveSharedSecret, keyPairFromScalar, MessageCipher } from "@ipc/crypto";
import { describe, expect, test } from "vitest";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { BUSY_HELLO } from "./hello.js";
import { type ServerHandshakeOptions, serverHandshake } from "./server-handshake.js";
import type { HandshakeAnswer, HandshakeStep } from "./steps.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const ours = keyPairFromScalar(new Uint8Array(48).fill(1));
const theirs = keyPairFromScalar(new Uint8Array(48).fill(2));
const OUR_KEY = hexOf(ours.publicKey);
const THEIR_KEY = hexOf(theirs.publicKey);

/** Speaks golang-ipc's protocol and nothing else. */
const GOLANG: Credentials = { ...NO_CREDENTIALS, supportsSecure: false };

const NAME = "6b4653982911baea7bf9d3cb19db921a";
const INSTANCE = "5a".repeat(16);

/** The part of this server's offer after its modes: the feature 01, its name and its instance. */
const BEHIND = `00010000${NAME}${INSTANCE}`;

/** A select of a client that takes 1 KiB. */
const SELECT = "80 0001 0000 00000400";

interface Conversation {
  /** Everything the handshake asked for, in order. */
  readonly steps: string[];
  readonly result: HandshakeOutcome | undefined;
  readonly error: unknown;
}

function show(step: HandshakeStep): string {
  switch (step.kind) {
    case "send":
      return `send ${hexOf(step.bytes)}`;
    case "receive":
      return `receive ${step.bytes}: ${step.what}`;
    case "authorize":
      return `authorize ${step.security.mode}`;
    case "keyPair":
      return "key pair";
    case "sharedSecret":
      return "shared x";
    case "cpuQueue":
      return "cpuQueue";
  }
}

/** Runs the handshake against all that the client says. */
function converse(client: string, want: Partial<ServerHandshakeOptions> = {}): Conversation {
  const steps: string[] = [];
  const input = bytes(client);
  let at = 0;
  const options = { name: "orders", instance: bytes(INSTANCE), encryption: true, maxMessageSize: 3_145_728 };
  const handshake = serverHandshake({ ...options, ...want });
  try {
    let step = handshake.next();
    while (step.done !== true) {
      steps.push(show(step.value));
      let answer: HandshakeAnswer;
      if (step.value.kind === "keyPair") answer = ours;
      if (step.value.kind === "sharedSecret") answer = deriveSharedSecret(step.value.privateKey, step.value.publicKey);
      if (step.value.kind === "receive") {
        if (at + step.value.bytes > input.length) throw new Error("the client said no more");
        answer = input.subarray(at, at + step.value.bytes);
        at += step.value.bytes;
      }
      step = handshake.next(answer);
    }
    return { steps, result: step.value, error: undefined };
  } catch (error) {
    return { steps, result: undefined, error };
  }
}

describe("a server's handshake", () => {
  const CLEAR = [
    "send 0200",
    "receive 1: the client's reply to the hello",
    "authorize plain",
    "send LIMITS",
    "receive 1: the client's reply to the limits",
  ];

  test.each([
    ["alone", GOLANG, "0000000400100000"],
    ["with the offer behind the size", NO_CREDENTIALS, `00000030001000004950435801000000${BEHIND}`],
  ])(
    "sends hello and limits, each in one write, without encryption; golang-ipc's limits %s",
    (_what, credentials, limits) => {
      const { steps, result } = converse("00 00", { encryption: false, maxMessageSize: 1_048_576, credentials });
      expect(steps).toEqual(CLEAR.map((step) => step.replace("LIMITS", limits)));
      expect(result).toMatchObject({ maxSendSize: 1_048_576, codec: { security: { mode: "plain" } } });
    },
  );

  test.each([
    ["golang-ipc's limits alone, and the client is authorized before", GOLANG, "00000020", "00300000"],
    [
      "with the offer, and the client is authorized after it",
      NO_CREDENTIALS,
      "0000004c",
      `003000004950435801000000${BEHIND}`,
    ],
  ])(
    "exchanges both keys first when encrypted, then limits that only the client can read, %s",
    (_what, credentials, length, plaintext) => {
      const { steps, result } = converse(`00 ${THEIR_KEY} 00`, { credentials });
      const sent = steps.find((step) => step.startsWith(`send ${length}`)) ?? "";
      const limits = bytes(sent.split(" ")[1] ?? "");
      const offering = credentials.supportsSecure;
      expect(steps).toEqual([
        "send 0201",
        "receive 1: the client's reply to the hello",
        "key pair",
        `send ${OUR_KEY}`,
        "receive 97: the peer's public key",
        "shared x",
        ...(offering ? [] : ["authorize compatible"]),
        `send ${hexOf(limits)}`,
        "receive 1: the client's reply to the limits",
        ...(offering ? ["authorize compatible"] : []),
      ]);
      const cipher = new MessageCipher(deriveMessageKey(deriveSharedSecret(theirs.privateKey, ours.publicKey)));
      expect(hexOf(cipher.open(limits.subarray(4)))).toBe(plaintext);
      expect(result).toMatchObject({ maxSendSize: 3_145_728, codec: { security: { mode: "compatible" } } });
    },
  );

  test.each(["00", "01", "07", "40", "7f", "81", "ff"])(
    "ignores the value of the last reply where it has offered nothing: %s",
    (reply) => {
      expect(converse(`00 ${reply}`, { encryption: false, credentials: GOLANG }).result?.maxSendSize).toBe(3_145_728);
      expect(converse(`00 ${THEIR_KEY} ${reply}`, { credentials: GOLANG }).result?.codec.security.mode).toBe(
        "compatible",
      );
    },
  );

  test.each(["00", "01", "07", "40", "7f"])(
    "accepts the last reply %s, without its highest bit, as golang-ipc's protocol",
    (reply) => {
      expect(converse(`00 ${reply}`, { encryption: false }).result?.codec.security.mode).toBe("plain");
      expect(converse(`00 ${THEIR_KEY} ${reply}`).result?.codec.security.mode).toBe("compatible");
    },
  );

  test("accepts a select without encryption, which carries the client's limit and features", () => {
    const { steps, result } = converse(`00 ${SELECT}`, { encryption: false, maxMessageSize: 1_048_576 });
    expect(steps.pop()).toBe("receive 8: the client's reply to the limits");
    expect(result).toMatchObject({ maxSendSize: 1_024, features: 1 });
    expect(steps).toEqual(CLEAR.map((step) => step.replace("LIMITS", `00000030001000004950435801000000${BEHIND}`)));
    expect(result?.codec.security).toEqual({ mode: "plain", peer: { psk: false } });
  });

  test("waits for an AUTH after a select when encrypted, and accepts no client before", () => {
    const { steps, error } = converse(`00 ${THEIR_KEY} ${SELECT}`);
    expect(steps.slice(-3)).toEqual([
      "receive 1: the client's reply to the limits",
      "receive 8: the client's reply to the limits",
      "receive 4: the client's AUTH",
    ]);
    expect(error).toMatchObject({ message: "the client said no more" });
  });

  test("rejects a client with 02 ff when there is no place for it", () => {
    expect(hexOf(BUSY_HELLO)).toBe("02ff");
  });
});

describe("a server rejects", () => {
  test.each([
    ["01", "IPC_VERSION_MISMATCH", "the client does not speak version 2"],
    ["02", "IPC_ENCRYPTION_REFUSED", "encryption refused: the client requires it"],
    ["03", "IPC_HANDSHAKE_FAILED", "invalid reply to the hello: 3, expected 0"],
    ["04", "IPC_HANDSHAKE_FAILED", "invalid reply to the hello: 4, expected 0"],
    ["ff", "IPC_HANDSHAKE_FAILED", "invalid reply to the hello: 255, expected 0"],
  ])("the reply %s, and sends nothing more", (reply, code, message) => {
    for (const encryption of [true, false]) {
      const { steps, error } = converse(reply, { encryption });
      expect(steps.slice(1)).toEqual(["receive 1: the client's reply to the hello"]);
      expect(error).toMatchObject({ name: "SessionError", code, message: expect.stringContaining(message) });
    }
  });

  test.each([
    ["that is 97 junk bytes", "41".repeat(97)],
    ["that is not on the curve", `04${"41".repeat(96)}`],
    ["of zeros", "00".repeat(97)],
  ])("a public key %s, before it authorizes the client", (_what, key) => {
    const { steps, error } = converse(`00 ${key}`);
    expect(steps.slice(-2)).toEqual(["receive 97: the peer's public key", "shared x"]);
    expect(error).toMatchObject({ name: "CryptoError", code: "IPC_PUBLIC_KEY_INVALID" });
  });

  test.each(["81", "82", "84", "87", "88", "90", "a0", "c0", "f8", "ff"])(
    "the last reply %s to an offer without keys, and accepts no client",
    (reply) => {
      const { steps, error } = converse(`00 ${THEIR_KEY} ${reply}`);
      expect(steps.at(-1)).toBe("receive 1: the client's reply to the limits");
      const refusal = { name: "SessionError", code: "IPC_HANDSHAKE_FAILED" };
      expect(error).toMatchObject({
        ...refusal,
        message: `invalid mode of the client: 0x${reply}, which this server did not offer; the client does not speak this protocol`,
      });
      expect(converse(`00 ${reply}`, { encryption: false }).error).toMatchObject(refusal);
    },
  );
});
