import { deriveSharedSecret, keyPairFromScalar } from "@ipc/crypto";
import type { HandshakeOutcome } from "../src/codec/codec.js";
import type { Handshake, HandshakeAnswer } from "../src/handshake/steps.js";

type KeyPair = ReturnType<typeof keyPairFromScalar>;

const OURS = keyPairFromScalar(new Uint8Array(48).fill(1));
const THEIRS = keyPairFromScalar(new Uint8Array(48).fill(2));

/** Every item that one side has sent, in order. */
export interface SentItems {
  readonly client: Uint8Array[];
  readonly server: Uint8Array[];
}

/**
 * Runs the two sides of a handshake against each other, each until it needs what the other has not sent.
 * @param sent gets what both send
 * @returns the outcomes of the client and of the server; throws what either throws
 */
export function runPair(
  client: Handshake<HandshakeOutcome>,
  server: Handshake<HandshakeOutcome>,
  sent: SentItems = { client: [], server: [] },
): [HandshakeOutcome, HandshakeOutcome] {
  const toServer: number[] = [];
  const toClient: number[] = [];
  const sides = [
    run(client, OURS, toClient, (bytes) => {
      sent.client.push(bytes);
      toServer.push(...bytes);
    }),
    run(server, THEIRS, toServer, (bytes) => {
      sent.server.push(bytes);
      toClient.push(...bytes);
    }),
  ] as const;
  let results = sides.map((side) => side.next());
  while (results.some(({ done }) => done !== true))
    results = sides.map((side, index) =>
      results[index]?.done === true ? (results[index] as (typeof results)[0]) : side.next(),
    );
  return results.map(({ value }) => value) as [HandshakeOutcome, HandshakeOutcome];
}

function* run(
  handshake: Handshake<HandshakeOutcome>,
  pair: KeyPair,
  input: number[],
  output: (bytes: Uint8Array) => void,
): Generator<undefined, HandshakeOutcome> {
  let step = handshake.next();
  while (step.done !== true) {
    let answer: HandshakeAnswer;
    if (step.value.kind === "send") output(step.value.bytes);
    if (step.value.kind === "keyPair") answer = pair;
    if (step.value.kind === "sharedSecret") answer = deriveSharedSecret(step.value.privateKey, step.value.publicKey);
    if (step.value.kind === "receive") {
      while (input.length < step.value.bytes) yield;
      answer = Uint8Array.from(input.splice(0, step.value.bytes));
    }
    step = handshake.next(answer);
  }
  return step.value;
}
