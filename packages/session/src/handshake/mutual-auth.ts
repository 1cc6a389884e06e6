import type { KeyObject } from "node:crypto";
import {
  CryptoError,
  decodeRecordHeader,
  deriveSessionKeys,
  hashTranscript,
  makeAuth,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  type RecordCipherOptions,
  RecordOpener,
  RecordSealer,
  type SealedRecord,
  type SessionKeys,
  type Transcript,
  verifyAuth,
} from "@ipc/crypto";
import { RecordCodec } from "../codec/record-codec.js";
import { isIpcError } from "../errors.js";
import type { Credentials } from "../negotiation/credentials.js";
import { describeMode, MODE } from "../negotiation/offer.js";
import { assertStillAccepted } from "../negotiation/proved-keys.js";
import type { ConnectionSecurity, ProvedKeys } from "../security.js";
import { authorize, cpuQueue, type Handshake, receive, STAGE, send } from "./steps.js";

/** Input of the authentication: results of the key exchange and of the mode selection. @see docs/WIRE.md, "AUTH" */
export interface AuthenticationOptions {
  readonly transcript: Transcript;
  /** 48 bytes; wiped once the keys are derived. */
  readonly sharedSecret: Uint8Array;
  /** MODE bits, as selected. */
  readonly mode: number;
  readonly credentials: Credentials;
  /** Whether both sides can resume. */
  readonly resumable: boolean;
  readonly records?: RecordCipherOptions | undefined;
}

/**
 * Runs the client's side: sends its select and its AUTH in one item, then receives the server's AUTH.
 * @throws CryptoError IPC_AUTHENTICATION_FAILED, IPC_RECORD_INVALID
 */
export function* authenticateClient(start: AuthenticationOptions): Handshake<Authenticated> {
  const { transcript, sharedSecret, mode, credentials, records } = start;
  const transcriptHash = hashTranscript(transcript);
  const keys = deriveSessionKeys(
    transcriptHash,
    sharedSecret,
    hasBit(mode, MODE.psk) ? firstPsk(credentials) : undefined,
  );
  sharedSecret.fill(0);
  const sealer = new RecordSealer(keys.client, records);
  const identity = hasBit(mode, MODE.clientSigns) ? credentials.identity : undefined;
  const auth = makeAuth({ role: "client", key: keys.client.auth, transcriptHash }, identity);
  yield* send(Buffer.concat([transcript.select, sealer.seal(RECORD_KIND.auth, [auth])]));
  const opener = new RecordOpener(keys.server, records);
  const body = opener.open(yield* receiveServerAuth(mode));
  const trusted = hasBit(mode, MODE.serverSigns) ? credentials.trustedPeers : undefined;
  const key = verifyAuth({ role: "server", key: keys.server.auth, transcriptHash }, body, trusted);
  const codec = new RecordCodec(sealer, opener, securityOf(start, key));
  return { codec, exporter: keys.exporter, transcriptHash };
}

/** The codec of a session, and what other secrets are bound to. */
export interface Authenticated {
  readonly codec: RecordCodec;
  readonly exporter: KeyObject;
  /** 32 bytes. */
  readonly transcriptHash: Uint8Array;
}

/** The keys that a client has proved. */
export interface AuthenticatedClient extends Authenticated {
  readonly proved: ProvedKeys;
}

/**
 * Runs the server's side: receives the client's AUTH, under one of the pre-shared keys, then sends its own.
 * @param current returns the server's keys, which may be replaced during the handshake
 * @throws CryptoError IPC_AUTHENTICATION_FAILED, IPC_RECORD_INVALID; SessionError IPC_SECURITY_REFUSED; errors of the `authorize`
 * step
 */
export function* authenticateServer(
  start: AuthenticationOptions,
  current: () => Credentials,
): Handshake<AuthenticatedClient> {
  const { transcript, sharedSecret, mode, credentials, records } = start;
  const transcriptHash = hashTranscript(transcript);
  const record = yield* receiveAuth("the client's AUTH");
  const { keys, opener, body, psk } = yield* openWithAnyPsk(start, transcriptHash, record);
  sharedSecret.fill(0);
  const trusted = hasBit(mode, MODE.clientSigns) ? credentials.trustedPeers : undefined;
  const key = verifyAuth({ role: "client", key: keys.client.auth, transcriptHash }, body, trusted);
  const security = securityOf(start, key);
  yield* authorize(security);
  // Nothing else runs between this check and the AUTH, with which the client counts as connected.
  const proved = Object.freeze({ psk, identity: key });
  assertStillAccepted(current(), { started: credentials, mode, keys: proved });
  const identity = hasBit(mode, MODE.serverSigns) ? credentials.identity : undefined;
  const auth = makeAuth({ role: "server", key: keys.server.auth, transcriptHash }, identity);
  const sealer = new RecordSealer(keys.server, records);
  yield* send(sealer.seal(RECORD_KIND.auth, [auth]));
  const codec = new RecordCodec(sealer, opener, security);
  return { codec, exporter: keys.exporter, transcriptHash, proved };
}

interface Opened {
  readonly psk: KeyObject | undefined;
  readonly keys: SessionKeys;
  readonly opener: RecordOpener;
  readonly body: Uint8Array;
}

/** Tries the server's pre-shared keys in order; there are several during a key rotation. */
function* openWithAnyPsk(
  start: AuthenticationOptions,
  transcriptHash: Uint8Array,
  record: SealedRecord,
): Handshake<Opened> {
  const { sharedSecret, mode, credentials, records } = start;
  const candidates = hasBit(mode, MODE.psk) ? credentials.psks : [undefined];
  for (const psk of candidates) {
    // Queue the derivation, because unauthenticated clients can send many such records at once at no cost to themselves.
    yield* cpuQueue();
    const keys = deriveSessionKeys(transcriptHash, sharedSecret, psk);
    const opener = new RecordOpener(keys.client, records);
    try {
      return { psk, keys, opener, body: opener.open(record) };
    } catch (error) {
      if (!isIpcError(error) || error.code !== "IPC_AUTHENTICATION_FAILED") throw error;
    }
  }
  throw new CryptoError(
    "IPC_AUTHENTICATION_FAILED",
    hasBit(mode, MODE.psk)
      ? `client AUTH matches none of the ${candidates.length} pre-shared keys of this server; give both sides the same key`
      : "client AUTH does not match this handshake; possible man in the middle",
  );
}

/** Returns the client's pre-shared key. @throws TypeError without one, because the session would then need no key */
function firstPsk({ psks: [psk] }: Credentials): KeyObject {
  if (psk === undefined) throw new TypeError("no pre-shared key for a session that requires one");
  return psk;
}

/** Reports a silent end as IPC_AUTHENTICATION_FAILED: a server ends so if it rejects the client's keys, or if it closes. */
function* receiveServerAuth(mode: number): Handshake<SealedRecord> {
  try {
    return yield* receiveAuth("the server's AUTH");
  } catch (cause) {
    if (mode === 0 || !isIpcError(cause) || cause.code !== "IPC_HANDSHAKE_FAILED") throw cause;
    throw new CryptoError(
      "IPC_AUTHENTICATION_FAILED",
      `the server ended the connection after this client's AUTH with ${describeMode(mode)}; give both sides the same keys, and check the server's log: a closing or overloaded server ends the connection too`,
      { cause },
    );
  }
}

function* receiveAuth(what: string): Handshake<SealedRecord> {
  const { kind, length } = decodeRecordHeader(yield* receive(RECORD_HEADER_BYTES, what), RECORD_KIND.auth);
  return { kind, sealed: yield* receive(length, what, STAGE.auth) };
}

function securityOf(
  { mode, resumable }: Pick<AuthenticationOptions, "mode" | "resumable">,
  key: Uint8Array | undefined,
): ConnectionSecurity {
  const psk = hasBit(mode, MODE.psk);
  const resume = resumable ? ({ resumable } as const) : undefined;
  if (key === undefined) return Object.freeze({ mode: "secure", peer: Object.freeze({ psk }), ...resume });
  // Return a copy of the key on each access, so that a caller's changes do not affect other callers.
  const peer = Object.freeze({
    psk,
    get key() {
      return Uint8Array.from(key);
    },
  });
  return Object.freeze({ mode: "secure", peer, ...resume });
}

function hasBit(mode: number, bit: number): boolean {
  return (mode & bit) !== 0;
}
