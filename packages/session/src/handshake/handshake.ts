import {
  deriveMessageKey,
  type KeyPair,
  MessageCipher,
  type NonceSource,
  PUBLIC_KEY_BYTES,
  type RecordCipherOptions,
  SEAL_OVERHEAD_BYTES,
  type Transcript,
} from "@ipc/crypto";
import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { GolangIpcCodec, type MessageCodec, PlainCodec } from "../codec/frame-codec.js";
import { SessionError } from "../session-error.js";
import { type Credentials, NO_CREDENTIALS, offerOf } from "./credentials.js";
import { selectMode } from "./mode-selection.js";
import { authenticateClient, authenticateServer } from "./mutual-auth.js";
import {
  decodeMaxMessageSize,
  decodeSelect,
  encodeLimitsPlaintext,
  encodeSelect,
  SELECT_COMPATIBLE,
  tryDecodeOffer,
} from "./offer.js";
import { authorize, type Handshake, keyPair, receive, send, sharedSecret } from "./steps.js";
import { ANNOUNCED_SIZE_MAX, HELLO, LIMITS_MAX_BYTES, REPLY, VERSION } from "./wire-constants.js";

/** What both sides have agreed on. */
export interface HandshakeOutcome {
  readonly codec: MessageCodec;
  /** The longest data this side may send, in bytes. */
  readonly maxSendSize: number;
  /** Whether the peer ends its side once it has read to the end of ours: clients do, golang-ipc's servers do not. */
  readonly peerEndsToo: boolean;
}

export interface ClientHandshakeOptions {
  /** For messages: the server's name. */
  readonly name: string;
  /** True: refuses a server that offers none. False: follows the server. */
  readonly encryption: boolean;
  /** @default no keys */
  readonly credentials?: Credentials;
  /** A connection before this one was secure: nothing less is taken any more. */
  readonly wasSecure?: boolean;
  readonly nonces?: NonceSource;
  readonly records?: RecordCipherOptions;
}

export interface ServerHandshakeOptions {
  readonly encryption: boolean;
  /** Announced to the client, in bytes. */
  readonly maxMessageSize: number;
  /** @default no keys */
  readonly credentials?: Credentials;
  readonly nonces?: NonceSource;
  readonly records?: RecordCipherOptions;
}

/** What a server says to a client whose place is taken, before it ends the connection. */
export const BUSY_HELLO: Uint8Array = Uint8Array.of(VERSION, HELLO.busy);

/**
 * The client's side of golang-ipc's handshake, and of the secure session that a server of ours offers in it.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_SERVER_BUSY,
 * IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (cc *Client) handshake`
 */
export function* clientHandshake(want: ClientHandshakeOptions): Handshake<HandshakeOutcome> {
  const hello = yield* receive(2, "the server's hello");
  const encrypted = yield* answerHello(hello[0] as number, hello[1] as number, want);
  const exchange = encrypted ? yield* agreeOnKeys(want.nonces) : undefined;
  try {
    return yield* completeClient(want, hello, exchange);
  } finally {
    exchange?.sharedSecret.fill(0);
  }
}

/** The client's answer to what the server offers. */
function* completeClient(
  want: ClientHandshakeOptions,
  hello: Uint8Array,
  exchange: KeyAgreement | undefined,
): Handshake<HandshakeOutcome> {
  const { name, credentials = NO_CREDENTIALS, wasSecure = false, records } = want;
  const { limits, plaintext } = yield* receiveLimits(exchange?.cipher);
  const maxSendSize = checkedMaxMessageSize(plaintext);
  const offer = tryDecodeOffer(plaintext);
  let mode: number | undefined;
  try {
    mode = selectMode(offer, { name, credentials, encrypted: exchange !== undefined, wasSecure });
  } catch (error) {
    // golang-ipc's server listens no more after a handshake that failed, and one of ours that refuses its protocol says
    // why. Another one of ours would take the answer for a client that has come.
    if (offer === undefined || offer.refusesCompatible) yield* send(Uint8Array.of(SELECT_COMPATIBLE));
    throw error;
  }
  const select = Uint8Array.of(mode === undefined ? SELECT_COMPATIBLE : encodeSelect(mode));
  if (exchange === undefined || mode === undefined) {
    yield* send(select);
    return { codec: golangIpcCodec(exchange), maxSendSize, peerEndsToo: false };
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
  return { codec, maxSendSize, peerEndsToo: false };
}

/**
 * The server's side of golang-ipc's handshake, and of the secure session that it offers in it.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_NOT_AUTHORIZED,
 * IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (sc *Server) handshake`
 */
export function* serverHandshake(want: ServerHandshakeOptions): Handshake<HandshakeOutcome> {
  const hello = Uint8Array.of(VERSION, want.encryption ? HELLO.encrypted : HELLO.plain);
  yield* send(hello);
  const reply = yield* receive(1, "the client's reply to the hello");
  assertAccepted(reply[0] as number);
  const exchange = want.encryption ? yield* agreeOnKeys(want.nonces) : undefined;
  try {
    return yield* completeServer(want, { hello, reply }, exchange);
  } finally {
    exchange?.sharedSecret.fill(0);
  }
}

/** What the server offers, and what it makes of the client's answer. */
function* completeServer(
  want: ServerHandshakeOptions,
  { hello, reply }: Pick<Transcript, "hello" | "reply">,
  exchange: KeyAgreement | undefined,
): Handshake<HandshakeOutcome> {
  const { maxMessageSize, credentials = NO_CREDENTIALS, records } = want;
  const offer = offerOf(credentials);
  // What the client will be known by is known already, where there is nothing for it to choose: it is turned away before
  // it thinks that it is connected.
  const isDecided = exchange === undefined || offer === undefined;
  if (isDecided) yield* authorize(golangIpcCodec(exchange).security);
  const limits = encodeLimits(encodeLimitsPlaintext(maxMessageSize, offer), exchange?.cipher);
  yield* send(limits);
  const select = yield* receive(1, "the client's reply to the limits");
  const mode = offer === undefined ? undefined : decodeSelect(select[0] as number, offer);
  if (exchange === undefined || mode === undefined) {
    if (!isDecided) yield* authorize(golangIpcCodec(exchange).security);
    return { codec: golangIpcCodec(exchange), maxSendSize: maxMessageSize, peerEndsToo: true };
  }
  const transcript = {
    hello,
    reply,
    clientPublicKey: exchange.theirs,
    serverPublicKey: exchange.pair.publicKey,
    limits,
    select,
  };
  const codec = yield* authenticateServer({
    transcript,
    sharedSecret: exchange.sharedSecret,
    mode,
    credentials,
    records,
  });
  return { codec, maxSendSize: maxMessageSize, peerEndsToo: true };
}

/** What both sides have when their public keys have crossed. */
interface KeyAgreement {
  readonly pair: KeyPair;
  readonly theirs: Uint8Array;
  /** Wiped when the handshake has ended, however it did. */
  readonly sharedSecret: Uint8Array;
  readonly cipher: MessageCipher;
}

/** golang-ipc's own protection, or none. */
function golangIpcCodec(exchange: KeyAgreement | undefined): MessageCodec {
  return exchange === undefined ? new PlainCodec() : new GolangIpcCodec(exchange.cipher);
}

/** Answers the hello and returns whether this connection is encrypted. */
function* answerHello(version: number, mode: number, want: ClientHandshakeOptions): Handshake<boolean> {
  if (version !== VERSION) {
    yield* send(Uint8Array.of(REPLY.versionDiffers));
    throw new SessionError(
      "IPC_VERSION_MISMATCH",
      `server \`${want.name}\` speaks version ${version} of the protocol, this client ${VERSION}; use matching versions on both sides`,
    );
  }
  switch (mode) {
    case HELLO.busy:
      throw new SessionError(
        "IPC_SERVER_BUSY",
        `server \`${want.name}\` serves as many clients as it takes: one, or a manager's \`maxConnections\``,
      );
    case HELLO.plain:
      if (want.encryption) {
        yield* send(Uint8Array.of(REPLY.encryptionRequired));
        throw new SessionError(
          "IPC_ENCRYPTION_REFUSED",
          `server \`${want.name}\` offers no encryption; a golang-ipc server started without \`Encryption: true\` does this; pass \`encryption: false\` to talk to it in the clear`,
        );
      }
      yield* send(Uint8Array.of(REPLY.ok));
      return false;
    case HELLO.encrypted:
      yield* send(Uint8Array.of(REPLY.ok));
      return true;
    default:
      throw new SessionError(
        "IPC_HANDSHAKE_FAILED",
        `server \`${want.name}\` sent ${mode} where 0 (plain) or 1 (encrypted) is expected; it does not speak this protocol`,
      );
  }
}

/** The exchange is the same on both sides: send ours, receive theirs. */
function* agreeOnKeys(nonces: NonceSource | undefined): Handshake<KeyAgreement> {
  const pair = yield* keyPair();
  yield* send(pair.publicKey);
  const theirs = yield* receive(PUBLIC_KEY_BYTES, "the peer's public key");
  const x = yield* sharedSecret(pair.privateKey, theirs);
  const cipher = new MessageCipher(deriveMessageKey(x), nonces === undefined ? {} : { nonces });
  return { pair, theirs, sharedSecret: x, cipher };
}

function encodeLimits(plaintext: Uint8Array, cipher: MessageCipher | undefined): Uint8Array {
  const body = cipher === undefined ? plaintext : cipher.seal(plaintext);
  const limits = new Uint8Array(UINT32_BYTES + body.length);
  writeUint32(limits, 0, body.length);
  limits.set(body, UINT32_BYTES);
  return limits;
}

interface Limits {
  /** As they came: `length(4) ‖ body`. */
  readonly limits: Uint8Array;
  readonly plaintext: Uint8Array;
}

function* receiveLimits(cipher: MessageCipher | undefined): Handshake<Limits> {
  const shortest = UINT32_BYTES + (cipher === undefined ? 0 : SEAL_OVERHEAD_BYTES);
  const prefix = yield* receive(UINT32_BYTES, "the length of the server's limits");
  const length = readUint32(prefix, 0);
  if (length < shortest || length > LIMITS_MAX_BYTES) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `the server announces limits of ${length} bytes, ${shortest} … ${LIMITS_MAX_BYTES} are expected; it does not speak this protocol, or its encryption setting differs`,
    );
  }
  const body = yield* receive(length, "the server's limits");
  const limits = new Uint8Array(UINT32_BYTES + length);
  limits.set(prefix);
  limits.set(body, UINT32_BYTES);
  return { limits, plaintext: cipher === undefined ? body : cipher.open(body) };
}

/** Returns what this side may send. */
function checkedMaxMessageSize(limits: Uint8Array): number {
  const maxMessageSize = decodeMaxMessageSize(limits);
  if (maxMessageSize >= 1 && maxMessageSize <= ANNOUNCED_SIZE_MAX) return maxMessageSize;
  throw new SessionError(
    "IPC_HANDSHAKE_FAILED",
    `the server announces messages of up to ${maxMessageSize} bytes, 1 … ${ANNOUNCED_SIZE_MAX} are accepted`,
  );
}

function assertAccepted(reply: number): void {
  switch (reply) {
    case REPLY.ok:
      return;
    case REPLY.versionDiffers:
      throw new SessionError(
        "IPC_VERSION_MISMATCH",
        `the client does not speak version ${VERSION} of the protocol; use matching versions on both sides`,
      );
    case REPLY.encryptionRequired:
      throw new SessionError(
        "IPC_ENCRYPTION_REFUSED",
        "the client insists on encryption, which this server has switched off with `encryption: false`",
      );
    default:
      throw new SessionError(
        "IPC_HANDSHAKE_FAILED",
        `the client answered the hello with ${reply}, 0 is expected; it does not speak this protocol`,
      );
  }
}
