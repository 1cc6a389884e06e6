import { generateKeyPairSync } from "node:crypto";
import { deriveSharedSecret, encodeIdentityKey, importPsk, keyPairFromScalar } from "@ipc/crypto";
import { assert, boolean, constant, integer, oneof, property, record, subarray } from "fast-check";
import { describe, expect, test } from "vitest";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS, offerOf } from "../negotiation/credentials.js";
import { withdrawalError } from "../negotiation/proved-keys.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer, HandshakeStep } from "./steps.js";

const PAIRS = {
  client: keyPairFromScalar(new Uint8Array(48).fill(2)),
  server: keyPairFromScalar(new Uint8Array(48).fill(1)),
};
/** The shared secret of all these handshakes, which wipe their copies. */
const SHARED_SECRET = deriveSharedSecret(PAIRS.client.privateKey, PAIRS.server.publicKey);
const PSKS = [1, 2].map((fill) => importPsk(new Uint8Array(32).fill(fill)));
const SIGNERS = [0, 1].map(() => generateKeyPairSync("ed25519"));
const TRUSTED = SIGNERS.map(({ publicKey }) => encodeIdentityKey(publicKey));

const withKeys = (keys: Partial<Credentials>): Credentials => ({ ...NO_CREDENTIALS, ...keys });

interface Rekeyed {
  /** The server's, or its error's code. */
  readonly server: HandshakeOutcome | string;
  /** Every step of the server, in order. */
  readonly steps: readonly HandshakeStep["kind"][];
}

/** Runs both sides against each other; the server's keys become `next` when it has made `at` steps. */
function rekey(ofClient: Credentials, started: Credentials, next: Credentials, at: number): Rekeyed {
  const input = { client: [] as number[], server: [] as number[] };
  const steps: HandshakeStep["kind"][] = [];
  const current = (): Credentials => (steps.length > at ? next : started);
  function* run(
    side: "client" | "server",
    handshake: Handshake<HandshakeOutcome>,
  ): Generator<undefined, HandshakeOutcome | string> {
    try {
      let step = handshake.next();
      while (step.done !== true) {
        if (side === "server") steps.push(step.value.kind);
        let answer: HandshakeAnswer;
        if (step.value.kind === "send") input[side === "client" ? "server" : "client"].push(...step.value.bytes);
        if (step.value.kind === "keyPair") answer = PAIRS[side];
        if (step.value.kind === "sharedSecret") answer = Uint8Array.from(SHARED_SECRET);
        if (step.value.kind === "receive") {
          while (input[side].length < step.value.bytes) yield;
          answer = Uint8Array.from(input[side].splice(0, step.value.bytes));
        }
        step = handshake.next(answer);
      }
      return step.value;
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  }
  const client = run(
    "client",
    clientHandshake({ name: "n", encryption: true, maxMessageSize: 1_024, credentials: ofClient }),
  );
  const options = { encryption: true, maxMessageSize: 1_024, credentials: started, currentCredentials: current };
  const server = run("server", serverHandshake(options));
  for (let turn = 0; turn < 10; turn++) {
    client.next();
    const { value, done } = server.next();
    if (done === true) return { server: value, steps };
  }
  // The client has left.
  return { server: "IPC_HANDSHAKE_FAILED", steps };
}

describe("a server's handshake during which the keys are replaced", () => {
  const psks = subarray(PSKS);
  const trustedPeers = oneof(constant(undefined), subarray(TRUSTED, { minLength: 1 }));
  const identity = oneof(constant(undefined), ...SIGNERS.map(({ privateKey }) => constant(privateKey)));
  const ofServer = record({ supportsSecure: constant(true), psks, trustedPeers, identity, require: boolean() });
  const ofClient = record({
    supportsSecure: boolean(),
    psks: subarray(PSKS, { maxLength: 1 }),
    trustedPeers: constant(undefined),
    identity,
    require: constant(false),
  });

  test("never completes with less than the new keys require, and completes unchanged when the new keys are equal", () => {
    assert(
      property(ofClient, ofServer, ofServer, integer({ min: 0, max: 14 }), (client, started, next, at) => {
        const without = rekey(client, started, started, at);
        const { server, steps } = rekey(client, started, next, at);
        const isReplaced = steps.length > at;
        if (typeof server !== "string" && isReplaced && at < without.steps.lastIndexOf("send")) {
          const { codec, provedKeys } = server;
          expect(provedKeys && withdrawalError(provedKeys, next)).toBeUndefined();
          expect(next.require && codec.security.mode === "compatible").toBe(false);
          const proof = (codec.security.peer.psk ? 1 : 0) | (codec.security.peer.key === undefined ? 0 : 4);
          expect((offerOf(next)?.require ?? 0) & ~proof & 5).toBe(0);
        }
        const again = rekey(client, started, withKeys({ ...started }), at);
        expect(again.steps).toEqual(without.steps);
        expect(typeof again.server).toBe(typeof without.server);
      }),
      { numRuns: 150 },
    );
  });

  test("sends no AUTH after the client's key is withdrawn at any step, and sends its own AUTH last", () => {
    const client = withKeys({ psks: PSKS.slice(0, 1) });
    const [started, next] = [withKeys({ psks: PSKS }), withKeys({ psks: PSKS.slice(1) })];
    const { steps, server } = rekey(client, started, started, 0);
    expect(server).toMatchObject({ provedKeys: { psk: PSKS[0], identity: undefined } });
    const last = steps.length - 1;
    expect(steps[last]).toBe("send");
    for (let at = 0; at < last; at++) {
      const rekeyed = rekey(client, started, next, at);
      expect(rekeyed).toEqual({ server: "IPC_SECURITY_REFUSED", steps: steps.slice(0, last) });
    }
    expect(rekey(client, started, next, last).server).toMatchObject({ provedKeys: { psk: PSKS[0] } });
  });

  test("names no key to a golang-ipc client, which proves nothing, and rejects it when the new keys require a proof", () => {
    const client = withKeys({ supportsSecure: false });
    expect(rekey(client, withKeys({}), withKeys({ psks: PSKS }), 0).server).not.toHaveProperty("provedKeys");
    expect(rekey(client, withKeys({}), withKeys({ psks: PSKS, require: true }), 0).server).toBe("IPC_SECURITY_REFUSED");
  });
});
