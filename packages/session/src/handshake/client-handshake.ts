import type { NonceSource, RecordCipherOptions } from "@ipc/crypto";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS } from "./credentials.js";
import { answerHello, REPLY } from "./hello.js";
import { agreeOnKeys, golangIpcCodec, type KeyAgreement } from "./key-agreement.js";
import { checkedMaxMessageSize, receiveLimits } from "./limits.js";
import { selectMode } from "./mode-selection.js";
import { authenticateClient } from "./mutual-auth.js";
import { encodeSelect, SELECT_COMPATIBLE, tryDecodeOffer } from "./offer.js";
import { type Handshake, receive, send } from "./steps.js";

export interface ClientHandshakeOptions {
  /** The server's name, for error messages. */
  readonly name: string;
  /** True: rejects a server without encryption. False: the server decides. */
  readonly encryption: boolean;
  /** @default no keys */
  readonly credentials?: Credentials;
  /** Whether an earlier connection was secure; then anything less than a secure session is rejected. */
  readonly wasSecure?: boolean;
  /** The `secureMode` of the best earlier connection; then every proof in it is required again. @default 0 */
  readonly earlierMode?: number;
  readonly nonces?: NonceSource;
  readonly records?: RecordCipherOptions;
}

/**
 * Runs the client's side of golang-ipc's handshake, and of the secure session that an @ipc server offers in it.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_SERVER_BUSY,
 * IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (cc *Client) handshake`
 */
export function* clientHandshake(options: ClientHandshakeOptions): Handshake<HandshakeOutcome> {
  const hello = yield* receive(2, "the server's hello");
  const encrypted = yield* answerHello(hello[0] as number, hello[1] as number, options);
  const exchange = encrypted ? yield* agreeOnKeys(options.nonces) : undefined;
  try {
    return yield* completeClient(options, hello, exchange);
  } finally {
    exchange?.sharedSecret.fill(0);
  }
}

/** Receives the server's limits and offer, and answers them. */
function* completeClient(
  options: ClientHandshakeOptions,
  hello: Uint8Array,
  exchange: KeyAgreement | undefined,
): Handshake<HandshakeOutcome> {
  const { name, credentials = NO_CREDENTIALS, wasSecure = false, earlierMode = 0, records } = options;
  const { limits, plaintext } = yield* receiveLimits(exchange?.cipher);
  const maxSendSize = checkedMaxMessageSize(plaintext);
  const offer = tryDecodeOffer(plaintext);
  let mode: number | undefined;
  try {
    mode = selectMode(offer, { name, credentials, encrypted: exchange !== undefined, wasSecure, earlierMode });
  } catch (error) {
    // A golang-ipc server stops listening after a failed handshake, and an @ipc server that rejects golang-ipc's protocol
    // reports the reason, so both get an answer. Any other @ipc server would take the answer for a connected client.
    if (offer === undefined || offer.refusesCompatible) yield* send(Uint8Array.of(SELECT_COMPATIBLE));
    throw error;
  }
  const select = Uint8Array.of(mode === undefined ? SELECT_COMPATIBLE : encodeSelect(mode));
  if (exchange === undefined || mode === undefined) {
    yield* send(select);
    return { codec: golangIpcCodec(exchange), maxSendSize, peerEndsInResponse: false };
  }
  const transcript = {
    hello,
    reply: Uint8Array.of(REPLY.ok),
    clientPublicKey: exchange.pair.publicKey,
    serverPublicKey: exchange.theirs,
    limits,
    select,
  };
  const codec = yield* authenticateClient({
    transcript,
    sharedSecret: exchange.sharedSecret,
    mode,
    credentials,
    records,
  });
  return { codec, maxSendSize, peerEndsInResponse: false, secureMode: mode };
}
