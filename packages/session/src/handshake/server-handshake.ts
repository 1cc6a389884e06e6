import { deriveResumeKeys, type NonceSource, type RecordCipherOptions, type Transcript } from "@ipc/crypto";
import type { HandshakeOutcome } from "../codec/codec.js";
import { SessionError } from "../errors.js";
import { type Credentials, NO_CREDENTIALS, offerOf } from "../negotiation/credentials.js";
import { createInstanceId, encodeLimitsPlaintext, FEATURE, featuresOf, hasResume } from "../negotiation/offer.js";
import { assertStillAccepted, NO_PROOF } from "../negotiation/proved-keys.js";
import { hashServerName } from "../negotiation/server-name.js";
import type { DecideResume } from "../resume/resume-request.js";
import { assertAccepted, HELLO, VERSION } from "./hello.js";
import { agreeOnKeys, golangIpcCodec, type KeyAgreement } from "./key-agreement.js";
import { encodeLimits } from "./limits.js";
import { authenticateServer } from "./mutual-auth.js";
import { answerResume } from "./resume-exchange.js";
import { receiveSelect } from "./select.js";
import { authorize, type Handshake, receive, STAGE, send } from "./steps.js";

export interface ServerHandshakeOptions {
  readonly encryption: boolean;
  /** Announced to the client as a hash. @default no name */
  readonly name?: string | undefined;
  /** 16 random bytes of this server object. @default new ones */
  readonly instance?: Uint8Array | undefined;
  /** Announced to the client, in bytes. */
  readonly maxMessageSize: number;
  /** @default no keys */
  readonly credentials?: Credentials;
  /** Returns the server's keys, which may be replaced during the handshake. @default always returns `credentials` */
  readonly currentCredentials?: () => Credentials;
  /** Ends the connection of every client whose select is not 00, which is what a golang-ipc client sends. @default false */
  readonly golangIpcOnly?: boolean;
  /** Whether and how the server resumes. @default it does not */
  readonly resume?: ServerResume | undefined;
  readonly nonces?: NonceSource;
  readonly records?: RecordCipherOptions;
}

export interface ServerResume {
  /** Whether a client that cannot resume is rejected. */
  readonly require: boolean;
  readonly decide: DecideResume;
}

/**
 * Runs the server's side of golang-ipc's handshake, and of the secure session that it offers in it.
 * @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_NOT_AUTHORIZED,
 * IPC_HANDSHAKE_FAILED; CryptoError
 * @see golang-ipc handshake.go, `func (sc *Server) handshake`
 */
export function* serverHandshake(options: ServerHandshakeOptions): Handshake<HandshakeOutcome> {
  const hello = Uint8Array.of(VERSION, options.encryption ? HELLO.encrypted : HELLO.plain);
  yield* send(hello);
  const reply = yield* receive(1, "the client's reply to the hello", STAGE.replied);
  assertAccepted(reply[0] as number);
  const exchange = options.encryption ? yield* agreeOnKeys(options.nonces) : undefined;
  try {
    return yield* completeServer(options, { hello, reply }, exchange);
  } finally {
    exchange?.sharedSecret.fill(0);
  }
}

/** Sends the limits and the offer, and acts on the client's answer. */
function* completeServer(
  options: ServerHandshakeOptions,
  { hello, reply }: Pick<Transcript, "hello" | "reply">,
  exchange: KeyAgreement | undefined,
): Handshake<HandshakeOutcome> {
  const {
    maxMessageSize,
    name,
    instance = createInstanceId(),
    credentials = NO_CREDENTIALS,
    currentCredentials = () => credentials,
    golangIpcOnly = false,
    resume,
    records,
  } = options;
  const security = offerOf(credentials);
  const own = featuresOf(resume !== undefined && exchange !== undefined);
  const offer = security && { ...security, features: own, nameHash: hashServerName(name), instance };
  // If the client has nothing to select, its security is known already: authorize it before the limits, because a golang-ipc
  // client believes that it is connected once it has them.
  const isDecided = exchange === undefined || offer === undefined;
  if (isDecided) yield* authorize(golangIpcCodec(exchange).security);
  const limits = encodeLimits(encodeLimitsPlaintext(maxMessageSize, offer), exchange?.cipher);
  yield* send(limits);
  const { bytes, select } = yield* receiveSelect(offer, golangIpcOnly);
  const maxSendSize = Math.min(maxMessageSize, select?.maxMessageSize ?? maxMessageSize);
  const features = (offer?.features ?? 0) & (select?.features ?? 0);
  const resumable = hasResume(features);
  const follows = ((select?.features ?? 0) & FEATURE.resumeFollows) !== 0;
  if (follows && !resumable) throw resumeNotOfferedError();
  if (resume?.require === true && !resumable) throw notResumable();
  if (exchange === undefined || select === undefined) {
    if (!isDecided) yield* authorize(golangIpcCodec(exchange).security);
    assertStillAccepted(currentCredentials(), { started: credentials, mode: undefined, keys: NO_PROOF });
    return { codec: golangIpcCodec(exchange, features), maxSendSize, features, peerEndsInResponse: true };
  }
  const transcript = {
    hello,
    reply,
    clientPublicKey: exchange.theirs,
    serverPublicKey: exchange.pair.publicKey,
    limits,
    select: bytes,
  };
  const { mode } = select;
  const { sharedSecret } = exchange;
  const start = { transcript, sharedSecret, mode, credentials, resumable, records };
  const { codec, exporter, transcriptHash, proved } = yield* authenticateServer(start, currentCredentials);
  const outcome = { codec, maxSendSize, features, peerEndsInResponse: true, provedKeys: proved };
  if (resume === undefined || !resumable) return outcome;
  const keys = deriveResumeKeys(exporter);
  const channel = { codec, transcriptHash, keys, mode };
  const answer = follows ? yield* answerResume(channel, codec.security, resume.decide) : undefined;
  return { ...outcome, resume: { keys, mode, answer } };
}

function resumeNotOfferedError(): SessionError {
  return new SessionError(
    "IPC_HANDSHAKE_FAILED",
    "invalid features of the client: RESUME follows, but not both sides can resume; the client does not speak this protocol",
  );
}

function notResumable(): SessionError {
  return new SessionError(
    "IPC_NOT_RESUMABLE",
    "client rejected: it cannot resume, and `resume.require` demands it; start the client with `resume`",
  );
}
