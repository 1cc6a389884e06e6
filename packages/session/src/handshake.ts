import {
  deriveMessageKey,
  deriveSharedX,
  type KeyPair,
  MessageCipher,
  type NonceSource,
  PUBLIC_KEY_BYTES,
  SEAL_OVERHEAD_BYTES,
} from "@ipc/crypto";
import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import type { ConnectionSecurity } from "./peer.js";
import { PlainProtection, type Protection, SealedProtection } from "./protection.js";
import { ANNOUNCED_SIZE_MAX, HELLO, LIMITS_MAX_BYTES, REPLY, VERSION } from "./protocol.js";
import { SessionError } from "./session-error.js";

/** What a handshake asks of whoever runs it. It does no I/O itself. */
export type HandshakeStep =
  /** Exactly `bytes` bytes; `what` names them in messages. */
  | { readonly kind: "receive"; readonly bytes: number; readonly what: string }
  /** One item, one write: a Go peer reads each item with a single Read. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "keyPair" }
  /** The last moment at which the server can turn the client away. */
  | { readonly kind: "authorize"; readonly security: ConnectionSecurity };

export type HandshakeAnswer = Uint8Array | KeyPair | undefined;

/** A protocol conversation: yields steps, is given their answers, returns `T`. */
export type Handshake<T> = Generator<HandshakeStep, T, HandshakeAnswer>;

/** What both sides have agreed on. */
export interface Negotiated {
  readonly protection: Protection;
  /** The longest data this side may send, in bytes. */
  readonly maxSendSize: number;
  /** Whether the peer ends its side once it has read to the end of ours: clients do, golang-ipc's servers do not. */
  readonly peerEndsToo: boolean;
}

export interface ClientWants {
  /** For messages: the server's name. */
  readonly name: string;
  /** True: refuses a server that offers none. False: follows the server. */
  readonly encryption: boolean;
  readonly nonces?: NonceSource;
}

export interface ServerWants {
  readonly encryption: boolean;
  /** Announced to the client, in bytes. */
  readonly maxMessageSize: number;
  readonly nonces?: NonceSource;
}

/** What a server says to a client whose place is taken, before it ends the connection. */
export const BUSY_HELLO: Uint8Array = Uint8Array.of(VERSION, HELLO.busy);

/**
 * The client's side of golang-ipc's handshake.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SERVER_BUSY, IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (cc *Client) handshake`
 */
export function* clientHandshake(want: ClientWants): Handshake<Negotiated> {
  const hello = yield* receive(2, "the server's hello");
  const encrypted = yield* answerHello(hello[0] as number, hello[1] as number, want);
  const keyed = encrypted ? yield* exchangeKeys(want.nonces) : PLAIN;
  const maxSendSize = yield* receiveLimits(keyed);
  yield* send(Uint8Array.of(REPLY.ok));
  return { protection: keyed.protection, maxSendSize, peerEndsToo: false };
}

/**
 * The server's side of golang-ipc's handshake.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_NOT_AUTHORIZED, IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (sc *Server) handshake`
 */
export function* serverHandshake(want: ServerWants): Handshake<Negotiated> {
  yield* send(Uint8Array.of(VERSION, want.encryption ? HELLO.encrypted : HELLO.plain));
  const reply = yield* receive(1, "the client's reply to the hello");
  assertAccepted(reply[0] as number);
  const keyed = want.encryption ? yield* exchangeKeys(want.nonces) : PLAIN;
  yield* authorize(keyed.protection.security);
  yield* send(encodeLimits(want.maxMessageSize, keyed.cipher));
  yield* receive(1, "the client's reply to the limits");
  return { protection: keyed.protection, maxSendSize: want.maxMessageSize, peerEndsToo: true };
}

interface Keyed {
  readonly protection: Protection;
  readonly cipher?: MessageCipher;
}

const PLAIN: Keyed = { protection: new PlainProtection() };

/** Answers the hello and returns whether this connection is encrypted. */
function* answerHello(version: number, mode: number, want: ClientWants): Handshake<boolean> {
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
        `server \`${want.name}\` serves another client; it takes one at a time`,
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
function* exchangeKeys(nonces: NonceSource | undefined): Handshake<Keyed> {
  const pair = yield* keyPair();
  yield* send(pair.publicKey);
  const theirs = yield* receive(PUBLIC_KEY_BYTES, "the peer's public key");
  const key = deriveMessageKey(deriveSharedX(pair.privateKey, theirs));
  const cipher = new MessageCipher(key, nonces === undefined ? {} : { nonces });
  return { protection: new SealedProtection(cipher), cipher };
}

function encodeLimits(maxMessageSize: number, cipher: MessageCipher | undefined): Uint8Array {
  const plain = new Uint8Array(UINT32_BYTES);
  writeUint32(plain, 0, maxMessageSize);
  const body = cipher === undefined ? plain : cipher.seal(plain);
  const limits = new Uint8Array(UINT32_BYTES + body.length);
  writeUint32(limits, 0, body.length);
  limits.set(body, UINT32_BYTES);
  return limits;
}

/** Returns what this side may send. Bytes after the first four are for extensions and ignored. */
function* receiveLimits({ cipher }: Keyed): Handshake<number> {
  const shortest = UINT32_BYTES + (cipher === undefined ? 0 : SEAL_OVERHEAD_BYTES);
  const length = readUint32(yield* receive(UINT32_BYTES, "the length of the server's limits"), 0);
  if (length < shortest || length > LIMITS_MAX_BYTES) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `the server announces limits of ${length} bytes, ${shortest} … ${LIMITS_MAX_BYTES} are expected; it does not speak this protocol, or its encryption setting differs`,
    );
  }
  const body = yield* receive(length, "the server's limits");
  const maxMessageSize = readUint32(cipher === undefined ? body : cipher.open(body), 0);
  if (maxMessageSize < 1 || maxMessageSize > ANNOUNCED_SIZE_MAX) {
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `the server announces messages of up to ${maxMessageSize} bytes, 1 … ${ANNOUNCED_SIZE_MAX} are accepted`,
    );
  }
  return maxMessageSize;
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

function* receive(bytes: number, what: string): Handshake<Uint8Array> {
  return (yield { kind: "receive", bytes, what }) as Uint8Array;
}

function* send(bytes: Uint8Array): Handshake<void> {
  yield { kind: "send", bytes };
}

function* keyPair(): Handshake<KeyPair> {
  return (yield { kind: "keyPair" }) as KeyPair;
}

function* authorize(security: ConnectionSecurity): Handshake<void> {
  yield { kind: "authorize", security };
}
