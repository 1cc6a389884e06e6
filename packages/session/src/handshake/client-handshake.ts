import type { NonceSource, RecordCipherOptions } from "@ipc/crypto";
import type { HandshakeOutcome } from "../codec/codec.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { selectMode } from "../negotiation/mode-selection.js";
import { decodeMaxMessageSize, FEATURE_MASK, type Offer, tryDecodeOffer } from "../negotiation/offer.js";
import { assertServerName } from "../negotiation/server-name.js";
import { answerHello, REPLY } from "./hello.js";
import { agreeOnKeys, golangIpcCodec, type KeyAgreement } from "./key-agreement.js";
import { checkedMaxMessageSize, receiveLimits } from "./limits.js";
import { authenticateClient } from "./mutual-auth.js";
import { encodeSelect, type Select } from "./select.js";
import { type Handshake, receive, send } from "./steps.js";

export interface ClientHandshakeOptions {
  /** The server's name, for error messages. */
  readonly name: string;
  /** Where the client is connected, for error messages. @default the name */
  readonly address?: string;
  /** The name that the server must announce. @default any */
  readonly serverName?: string | undefined;
  /** The longest data that this client receives, in bytes. */
  readonly maxMessageSize: number;
  /** True: rejects a server without encryption. False: the server decides. */
  readonly encryption: boolean;
  /** @default no keys */
  readonly credentials?: Credentials;
  /** The `secureMode` of all earlier sessions together: each proof in it is required again. @default none was secure */
  readonly earlierMode?: number | undefined;
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
  const { credentials = NO_CREDENTIALS, records } = options;
  const { limits, plaintext } = yield* receiveLimits(exchange?.cipher);
  const maxSendSize = checkedMaxMessageSize(decodeMaxMessageSize(plaintext), "server");
  const offer = tryDecodeOffer(plaintext);
  let select: Select | undefined;
  try {
    select = answerOffer(offer, options, exchange !== undefined);
  } catch (error) {
    // A golang-ipc server stops listening after a failed handshake, and an @ipc server that rejects golang-ipc's protocol
    // reports the reason, so both get an answer. Any other @ipc server would take the answer for a connected client.
    if (offer === undefined || offer.refusesCompatible) yield* send(encodeSelect(undefined));
    throw error;
  }
  const features = (offer?.features ?? 0) & (select?.features ?? 0);
  const bytes = encodeSelect(select);
  if (exchange === undefined || select === undefined) {
    yield* send(bytes);
    return { codec: golangIpcCodec(exchange, features), maxSendSize, features, peerEndsInResponse: false };
  }
  const transcript = {
    hello,
    reply: Uint8Array.of(REPLY.ok),
    clientPublicKey: exchange.pair.publicKey,
    serverPublicKey: exchange.theirs,
    limits,
    select: bytes,
  };
  const { mode } = select;
  const codec = yield* authenticateClient({
    transcript,
    sharedSecret: exchange.sharedSecret,
    mode,
    credentials,
    records,
  });
  return { codec, maxSendSize, features, peerEndsInResponse: false, secureMode: mode };
}

/** Returns the client's select; undefined: golang-ipc's protocol. @throws SessionError IPC_SECURITY_REFUSED */
function answerOffer(
  offer: Offer | undefined,
  options: ClientHandshakeOptions,
  encrypted: boolean,
): Select | undefined {
  const { name, address = name, serverName, maxMessageSize, credentials = NO_CREDENTIALS } = options;
  const { earlierMode } = options;
  const mode = selectMode(offer, { name, credentials, encrypted, earlierMode });
  assertServerName(offer?.nameHash, { address, expected: serverName, require: credentials.require });
  return mode === undefined ? undefined : { mode, features: FEATURE_MASK, maxMessageSize };
}
