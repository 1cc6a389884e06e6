import { deriveMessageKey, deriveSharedX, keyPairFromScalar, MessageCipher } from "@ipc/crypto";
import { FrameDecoder } from "@ipc/framing";
import { assert, boolean, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BUSY_HELLO,
  clientHandshake,
  type Handshake,
  type HandshakeAnswer,
  type HandshakeStep,
  type Negotiated,
  type ServerWants,
  serverHandshake,
} from "./handshake.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const ours = keyPairFromScalar(new Uint8Array(48).fill(1));
const theirs = keyPairFromScalar(new Uint8Array(48).fill(2));
const OUR_KEY = hexOf(ours.publicKey);
const THEIR_KEY = hexOf(theirs.publicKey);

interface Conversation {
  /** Everything the handshake asked for, in order. */
  readonly steps: string[];
  readonly result: Negotiated | undefined;
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
  }
}

/** Runs the handshake against all that the client says. */
function converse(client: string, want: Partial<ServerWants> = {}): Conversation {
  const steps: string[] = [];
  const input = bytes(client);
  let at = 0;
  const handshake = serverHandshake({ encryption: true, maxMessageSize: 3_145_728, ...want });
  try {
    let step = handshake.next();
    while (step.done !== true) {
      steps.push(show(step.value));
      let answer: HandshakeAnswer;
      if (step.value.kind === "keyPair") answer = ours;
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
  test("in the clear: hello, reply, limits in one write, reply", () => {
    const { steps, result } = converse("00 00", { encryption: false, maxMessageSize: 1_048_576 });
    expect(steps).toEqual([
      "send 0200",
      "receive 1: the client's reply to the hello",
      "authorize plain",
      "send 0000000400100000",
      "receive 1: the client's reply to the limits",
    ]);
    expect(result).toMatchObject({ maxSendSize: 1_048_576, protection: { security: { mode: "plain" } } });
  });

  test("encrypted: both keys first, then limits that only the client can read", () => {
    const { steps, result } = converse(`00 ${THEIR_KEY} 00`);
    const limits = bytes(steps[6]?.split(" ")[1] ?? "");
    expect(steps).toEqual([
      "send 0201",
      "receive 1: the client's reply to the hello",
      "key pair",
      `send ${OUR_KEY}`,
      "receive 97: the peer's public key",
      "authorize compatible",
      `send ${hexOf(limits)}`,
      "receive 1: the client's reply to the limits",
    ]);
    expect(hexOf(limits.subarray(0, 4))).toBe("00000020");
    const cipher = new MessageCipher(deriveMessageKey(deriveSharedX(theirs.privateKey, ours.publicKey)));
    expect(hexOf(cipher.open(limits.subarray(4)))).toBe("00300000");
    expect(result).toMatchObject({ maxSendSize: 3_145_728, protection: { security: { mode: "compatible" } } });
  });

  test.each(["00", "01", "07", "81", "ff"])("ignores the value of the last reply: %s", (reply) => {
    expect(converse(`00 ${reply}`, { encryption: false }).result?.maxSendSize).toBe(3_145_728);
  });

  test("greets a client for whom there is no place with 02 ff", () => {
    expect(hexOf(BUSY_HELLO)).toBe("02ff");
  });
});

describe("a server refuses", () => {
  test.each([
    ["01", "IPC_VERSION_MISMATCH", "the client does not speak version 2"],
    ["02", "IPC_ENCRYPTION_REFUSED", "the client insists on encryption"],
    ["03", "IPC_HANDSHAKE_FAILED", "the client answered the hello with 3, 0 is expected"],
    ["04", "IPC_HANDSHAKE_FAILED", "the client answered the hello with 4, 0 is expected"],
    ["ff", "IPC_HANDSHAKE_FAILED", "the client answered the hello with 255, 0 is expected"],
  ])("the reply %s, and says no more", (reply, code, message) => {
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
  ])("a public key %s, before it asks who may come in", (_what, key) => {
    const { steps, error } = converse(`00 ${key}`);
    expect(steps.at(-1)).toBe("receive 97: the peer's public key");
    expect(error).toMatchObject({ name: "CryptoError", code: "IPC_PUBLIC_KEY_INVALID" });
  });
});

describe("a client and a server of ours", () => {
  /** Runs both against each other, each until it needs what the other has not sent. */
  function meet(encryption: boolean, insists: boolean, maxMessageSize: number): [Negotiated, Negotiated] {
    const toServer: number[] = [];
    const toClient: number[] = [];
    function* run(
      handshake: Handshake<Negotiated>,
      pair: typeof ours,
      input: number[],
      output: number[],
    ): Generator<undefined, Negotiated> {
      let step = handshake.next();
      while (step.done !== true) {
        let answer: HandshakeAnswer;
        if (step.value.kind === "send") output.push(...step.value.bytes);
        if (step.value.kind === "keyPair") answer = pair;
        if (step.value.kind === "receive") {
          while (input.length < step.value.bytes) yield;
          answer = Uint8Array.from(input.splice(0, step.value.bytes));
        }
        step = handshake.next(answer);
      }
      return step.value;
    }
    const client = run(clientHandshake({ name: "n", encryption: insists }), theirs, toClient, toServer);
    const server = run(serverHandshake({ encryption, maxMessageSize }), ours, toServer, toClient);
    let [atClient, atServer]: (Negotiated | undefined)[] = [];
    for (let turn = 0; turn < 10 && (atClient === undefined || atServer === undefined); turn++) {
      atClient ??= client.next().value ?? undefined;
      atServer ??= server.next().value ?? undefined;
    }
    if (atClient === undefined || atServer === undefined) throw new Error("they do not come to an end");
    return [atClient, atServer];
  }

  test("agree on the size and on a protection that carries messages both ways", () => {
    assert(
      property(
        boolean(),
        integer({ min: 1, max: 1_073_741_824 }),
        integer({ min: 0, max: 0xffff_ffff }),
        uint8Array({ maxLength: 2_000 }),
        (encryption, maxMessageSize, type, data) => {
          const [client, server] = meet(encryption, encryption, maxMessageSize);
          expect([client.maxSendSize, server.maxSendSize]).toEqual([maxMessageSize, maxMessageSize]);
          for (const [from, to] of [
            [client.protection, server.protection],
            [server.protection, client.protection],
          ] as const) {
            const decoder = new FrameDecoder({ maxBodyLength: 4_096, minBodyLength: to.bodyOverhead });
            decoder.push(Buffer.concat(from.frameParts(type, data)));
            expect(to.next(decoder)).toEqual({ type, data });
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("have another nonce prefix each: the two directions share a key", () => {
    const [client, server] = meet(true, true, 1_024);
    const nonces = [client, server].map(({ protection }) =>
      hexOf(Buffer.concat(protection.frameParts(1, bytes("")))).slice(8, 24),
    );
    expect(new Set(nonces).size).toBe(2);
  });
});
