import { deriveSharedSecret, keyPairFromScalar } from "@ipc/crypto";
import { assert, constantFrom, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

const ours = keyPairFromScalar(new Uint8Array(48).fill(1));
const theirs = keyPairFromScalar(new Uint8Array(48).fill(2));

/** Speaks golang-ipc's protocol and nothing else. */
const GOLANG: Credentials = { ...NO_CREDENTIALS, supportsSecure: false };

describe("a client and a server of @ipc", () => {
  interface Meeting {
    readonly encryption?: boolean;
    readonly maxMessageSize?: number;
    readonly clientSize?: number;
    readonly ofClient?: Credentials;
    readonly ofServer?: Credentials;
  }

  /** Runs both against each other, each until it needs what the other has not sent. */
  function meet({
    encryption = true,
    maxMessageSize = 1_024,
    clientSize = maxMessageSize,
    ofClient,
    ofServer,
  }: Meeting): [HandshakeOutcome, HandshakeOutcome] {
    const toServer: number[] = [];
    const toClient: number[] = [];
    function* run(
      handshake: Handshake<HandshakeOutcome>,
      pair: typeof ours,
      input: number[],
      output: number[],
    ): Generator<undefined, HandshakeOutcome> {
      let step = handshake.next();
      while (step.done !== true) {
        let answer: HandshakeAnswer;
        if (step.value.kind === "send") output.push(...step.value.bytes);
        if (step.value.kind === "keyPair") answer = pair;
        if (step.value.kind === "sharedSecret")
          answer = deriveSharedSecret(step.value.privateKey, step.value.publicKey);
        if (step.value.kind === "receive") {
          while (input.length < step.value.bytes) yield;
          answer = Uint8Array.from(input.splice(0, step.value.bytes));
        }
        step = handshake.next(answer);
      }
      return step.value;
    }
    const clientWants = {
      name: "n",
      encryption,
      maxMessageSize: clientSize,
      ...(ofClient && { credentials: ofClient }),
    };
    const serverWants = { encryption, maxMessageSize, ...(ofServer && { credentials: ofServer }) };
    const client = run(clientHandshake(clientWants), theirs, toClient, toServer);
    const server = run(serverHandshake(serverWants), ours, toServer, toClient);
    let [atClient, atServer]: (HandshakeOutcome | undefined)[] = [];
    for (let turn = 0; turn < 10 && (atClient === undefined || atServer === undefined); turn++) {
      atClient ??= client.next().value ?? undefined;
      atServer ??= server.next().value ?? undefined;
    }
    if (atClient === undefined || atServer === undefined) throw new Error("they do not come to an end");
    return [atClient, atServer];
  }

  test.each([
    ["neither side switches it off", "secure", {}],
    ["the client speaks golang-ipc's protocol only", "compatible", { ofClient: GOLANG }],
    ["the server speaks golang-ipc's protocol only", "compatible", { ofServer: GOLANG }],
    ["both do", "compatible", { ofClient: GOLANG, ofServer: GOLANG }],
    ["nothing is encrypted", "plain", { encryption: false }],
  ])("agree, when %s, on the mode %s and on the size", (_when, mode, meeting: Meeting) => {
    for (const { maxSendSize, codec } of meet({ ...meeting, maxMessageSize: 4_711 })) {
      expect({ maxSendSize, security: codec.security }).toEqual({
        maxSendSize: 4_711,
        security: { mode, peer: { psk: false } },
      });
    }
  });

  test.each([true, false])("send no more than the peer accepts, encrypted: %s", (encryption) => {
    const sizes = (clientSize: number): number[] =>
      meet({ encryption, maxMessageSize: 4_000, clientSize }).map(({ maxSendSize }) => maxSendSize);
    expect(sizes(1_024)).toEqual([4_000, 1_024]);
    expect(sizes(5_000)).toEqual([4_000, 4_000]);
  });

  test("agree on the size and on a protection that carries messages both ways, in every mode", () => {
    const small = uint8Array({ maxLength: 2_000 });
    assert(
      property(
        constantFrom<Meeting>({}, { ofClient: GOLANG }, { ofServer: GOLANG }, { encryption: false }),
        integer({ min: 1, max: 1_073_741_824 }),
        integer({ min: 0, max: 0xffff_ffff }),
        small,
        (meeting, maxMessageSize, type, data) => {
          const [client, server] = meet({ ...meeting, maxMessageSize });
          expect([client.maxSendSize, server.maxSendSize]).toEqual([maxMessageSize, maxMessageSize]);
          for (const [from, to] of [
            [client.codec, server.codec],
            [server.codec, client.codec],
          ] as const) {
            const decoder = to.createDecoder(4_096);
            decoder.push(Buffer.concat(from.encodeChunks(type, data)));
            expect(decoder.nextMessage()).toEqual({ type, data });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("have different nonce prefixes in golang-ipc's protocol, because the two directions share a key", () => {
    const [client, server] = meet({ ofClient: GOLANG });
    const nonces = [client, server].map(({ codec }) =>
      Buffer.concat(codec.encodeChunks(1, new Uint8Array(0)))
        .toString("hex")
        .slice(8, 24),
    );
    expect(new Set(nonces).size).toBe(2);
  });
});
