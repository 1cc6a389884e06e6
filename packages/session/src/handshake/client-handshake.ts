import { deriveResumeKeys, type NonceSource, type RecordCipherOptions } from "@ipc/crypto";
import type { HandshakeOutcome } from "../codec/codec.js";
import { SessionError } from "../errors.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { selectMode } from "../negotiation/mode-selection.js";
import {
  decodeMaxMessageSize,
  FEATURE,
  featuresOf,
  hasResume,
  type Offer,
  tryDecodeOffer,
} from "../negotiation/offer.js";
import { assertServerName } from "../negotiation/server-name.js";
import type { ResumeClaim } from "../resume/resume-request.js";
import { answerHello, REPLY } from "./hello.js";
import { agreeOnKeys, golangIpcCodec, type KeyAgreement } from "./key-agreement.js";
import { checkedMaxMessageSize, receiveLimits } from "./limits.js";
import { authenticateClient } from "./mutual-auth.js";
import { requestResume } from "./resume-exchange.js";
import { encodeSelect, type Select } from "./select.js";
import { type Handshake, receive, send } from "./steps.js";

export interface ClientHandshakeOptions {
  /** The server's name, for error messages. */
  readonly name: string;
  /** The address to which the client is connected, for error messages. @default the name */
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
  /** Whether and how the client resumes. @default it does not */
  readonly resume?: ClientResume | undefined;
  readonly nonces?: NonceSource;
  readonly records?: RecordCipherOptions;
}

export interface ClientResume {
  /** Whether a server that cannot resume is rejected. */
  readonly require: boolean;
  /** The session to continue; undefined: this is the first connection. */
  readonly claim: ResumeClaim | undefined;
}

/**
 * Runs the client's side of golang-ipc's handshake, and of the secure session that an @ipc server offers in it.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_SERVER_BUSY,
 * IPC_NOT_RESUMABLE, IPC_HANDSHAKE_FAILED; CryptoError
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
  const { sharedSecret } = exchange;
  const resumable = hasResume(features);
  const authenticated = yield* authenticateClient({ transcript, sharedSecret, mode, credentials, resumable, records });
  const { codec, exporter, transcriptHash } = authenticated;
  const outcome = { codec, maxSendSize, features, peerEndsInResponse: false, secureMode: mode };
  if (!resumable) return outcome;
  const keys = deriveResumeKeys(exporter);
  const claim = options.resume?.claim;
  const answer = claim && (yield* requestResume({ codec, transcriptHash, keys, mode }, claim));
  const instance = offer && Buffer.from(offer.instance).toString("hex");
  return { ...outcome, resume: { keys, mode, instance, answer } };
}

/** Returns the client's select; undefined: golang-ipc's protocol. @throws SessionError IPC_SECURITY_REFUSED */
function answerOffer(
  offer: Offer | undefined,
  options: ClientHandshakeOptions,
  encrypted: boolean,
): Select | undefined {
  const { name, address = name, serverName, maxMessageSize, credentials = NO_CREDENTIALS } = options;
  const { earlierMode, resume } = options;
  const mode = selectMode(offer, { name, credentials, encrypted, earlierMode });
  assertServerName(offer?.nameHash, { address, expected: serverName, require: credentials.require });
  const own = featuresOf(encrypted && resume !== undefined);
  const resumes = mode !== undefined && hasResume(own & (offer?.features ?? 0));
  if (resume?.require === true && !resumes) throw notResumable(name);
  if (mode === undefined) return undefined;
  const follows = resumes && resume?.claim !== undefined ? FEATURE.resumeFollows : 0;
  return { mode, features: own | follows, maxMessageSize };
}

function notResumable(name: string): SessionError {
  return new SessionError(
    "IPC_NOT_RESUMABLE",
    `server \`${name}\` cannot resume, and \`resume.require\` demands it; start the server with \`resume\``,
  );
}
