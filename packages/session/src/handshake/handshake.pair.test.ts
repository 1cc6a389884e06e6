import { assert, constantFrom, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { encodedBytes } from "../../test/encoded-bytes.js";
import { runPair } from "../../test/handshake-pair.js";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";

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

  function meet({
    encryption = true,
    maxMessageSize = 1_024,
    clientSize = maxMessageSize,
    ofClient,
    ofServer,
  }: Meeting): [HandshakeOutcome, HandshakeOutcome] {
    const clientWants = {
      name: "n",
      encryption,
      maxMessageSize: clientSize,
      ...(ofClient && { credentials: ofClient }),
    };
    const serverWants = { encryption, maxMessageSize, ...(ofServer && { credentials: ofServer }) };
    return runPair(clientHandshake(clientWants), serverHandshake(serverWants));
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
            decoder.push(encodedBytes(from, type, data));
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
      encodedBytes(codec, 1, new Uint8Array(0)).toString("hex").slice(8, 24),
    );
    expect(new Set(nonces).size).toBe(2);
  });
});
