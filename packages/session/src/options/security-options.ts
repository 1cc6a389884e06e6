import type { KeyObject } from "node:crypto";
import { types } from "node:util";
import { encodeIdentityKey, IDENTITY_KEY_BYTES, importPsk, isWeakIdentityKey, PSK_BYTES } from "@ipc/crypto";
import type { Transport } from "@ipc/transport";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { formatKind, OptionReader } from "./option-reader.js";

/** A server accepts several pre-shared keys, including the key file's, so that keys can be rotated. */
const MAX_PSKS = 4;

/** How two @ipc peers authenticate each other. Without keys, a session is encrypted and both sides are anonymous. */
export interface SecurityOptions {
  /**
   * "auto": a secure session with every peer that supports it. "golang-ipc": never a secure session; for tests and comparisons,
   * and allows no keys.
   * @default "auto"
   */
  readonly wire?: "auto" | "golang-ipc";
  /**
   * A pre-shared key: 32 random bytes, which are copied; the caller wipes its own copy. A client takes one key; a server takes
   * up to four and tries them in order. A key file's key counts too.
   */
  readonly psk?: Uint8Array | readonly Uint8Array[];
  /** The Ed25519 private key with which this side signs if the peer has `trustedPeers`. */
  readonly identity?: KeyObject;
  /**
   * Ed25519 public keys of the accepted peers, at least one, each a KeyObject or its 32 raw bytes, which are copied: the peer must
   * sign with the private key of one of them. Keys under which anyone can sign, such as 32 zero bytes, are rejected.
   */
  readonly trustedPeers?: readonly (KeyObject | Uint8Array)[];
  /**
   * True: a pre-shared key in a private file of the current user, which the server creates when it starts and the client reads
   * at each dial, so that only processes of the same user connect. A string: the path of such a file, in an existing directory.
   * Not available for sessions or on Windows.
   * @default false
   */
  readonly keyFile?: boolean | string;
  /**
   * Rejects peers that do not prove everything configured here; even without keys, it rejects golang-ipc's peers.
   * @default true if any key is configured
   */
  readonly require?: boolean;
}

/** Resolved SecurityOptions. */
export interface ResolvedSecurity {
  readonly credentials: Credentials;
  /** True: the key file at its default path. A string: its path. False: no key file. */
  readonly keyFile: boolean | string;
}

/**
 * Resolves the option `security` of one side.
 * @param encryption the option `encryption` of that side; without it, keys are rejected
 * @throws TypeError, RangeError naming the option, what it takes and what it got; never revealing a key
 */
export function resolveSecurity(
  where: string,
  role: "client" | "server",
  options: SecurityOptions | undefined,
  encryption: boolean,
): ResolvedSecurity {
  if (options === undefined) return { credentials: NO_CREDENTIALS, keyFile: false };
  // Format only the kind of a wrong value, because a misplaced key must not appear in the error.
  const known = ["wire", "psk", "identity", "trustedPeers", "keyFile", "require"] as const;
  const reader = new OptionReader<SecurityOptions>(`${where}: security`, options, known, formatKind);
  refuseMissing(where, options);
  const keyFile = readKeyFile(where, options.keyFile);
  const psks = readPsks(where, role, options.psk, keyFile !== false);
  const identity = readIdentity(where, options.identity);
  const trustedPeers = readTrusted(where, options.trustedPeers);
  const supportsSecure = reader.choice("wire", ["auto", "golang-ipc"], "auto") === "auto";
  const hasKeys = psks.length > 0 || keyFile !== false || identity !== undefined || trustedPeers !== undefined;
  const require = reader.boolean("require", hasKeys);
  if ((hasKeys || require) && !encryption)
    throw new TypeError(
      `${where}: keys and \`require\` of \`security\` cannot be combined with \`encryption: false\`; remove one or the other`,
    );
  if ((hasKeys || require) && !supportsSecure)
    throw new TypeError(
      `${where}: keys and \`require\` of \`security\` cannot be combined with \`wire: "golang-ipc"\`; remove one or the other`,
    );
  return Object.freeze({
    credentials: Object.freeze({ supportsSecure, psks, identity, trustedPeers, require }),
    keyFile,
  });
}

/**
 * Returns if a transport's bytes may pass through other programs: the keys have the other side prove itself, or a server proves
 * itself to clients that demand it.
 * @throws TypeError if the transport requires keys and there are none
 */
export function assertKeysFor(
  transport: Pick<Transport, "requiresKeys">,
  { credentials, keyFile }: ResolvedSecurity,
  where: string,
  role: "client" | "server",
): void {
  if (transport.requiresKeys !== true) return;
  const { psks, trustedPeers, identity, require } = credentials;
  const peerProves = psks.length > 0 || keyFile !== false || trustedPeers !== undefined;
  if (require && (peerProves || (role === "server" && identity !== undefined))) return;
  const keys =
    role === "server" ? "`psk`, `identity`, `trustedPeers` or `keyFile`" : "`psk`, `trustedPeers` or `keyFile`";
  throw new TypeError(
    `${where}: others pass on this transport's bytes and could answer in the other side's place, so \`security\` takes ${keys}, and \`require\` cannot be false; set a key, or let the transport allow anonymous peers`,
  );
}

/** Rejects an undefined key, because a failed key lookup must not result in a session that accepts every peer. */
function refuseMissing(where: string, options: SecurityOptions): void {
  for (const option of ["psk", "identity", "trustedPeers", "keyFile"] as const) {
    if (Object.hasOwn(options, option) && options[option] === undefined)
      throw new TypeError(`${where}: \`security.${option}\` is undefined; omit the option to use no key`);
  }
}

function readKeyFile(where: string, value: unknown): boolean | string {
  if (value === undefined) return false;
  if (typeof value === "boolean" || (typeof value === "string" && value !== "")) return value;
  throw new TypeError(`${where}: \`security.keyFile\` takes true or the path of a file, got ${formatKind(value)}`);
}

function readPsks(where: string, role: "client" | "server", value: unknown, hasKeyFile: boolean): readonly KeyObject[] {
  if (value === undefined) return Object.freeze([]);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const most = (role === "client" ? 1 : MAX_PSKS) - (hasKeyFile ? 1 : 0);
  const takes = `\`security.psk\` takes 32 random bytes${role === "client" ? "" : ", or a list of up to 4 such keys"}${hasKeyFile ? ", the key file's among them" : ""}`;
  if (list.length === 0 || list.length > most)
    throw new RangeError(`${where}: ${takes}, got ${list.length}${hasKeyFile ? " besides the key file" : ""}`);
  return Object.freeze(
    // Unlike `map`, `Array.from` also visits holes.
    Array.from(list, (psk) => {
      // Reject strings, because their bytes are unlikely to be random.
      if (!types.isUint8Array(psk)) throw new TypeError(`${where}: ${takes}, got ${formatKind(psk)}`);
      if (psk.length !== PSK_BYTES) throw new RangeError(`${where}: ${takes}, got ${psk.length} bytes`);
      // All zeros is memory that was never filled or was wiped too early, and an attacker can guess it.
      if (psk.every((byte) => byte === 0)) throw new RangeError(`${where}: ${takes}, got zeros`);
      return importPsk(psk);
    }),
  );
}

function readTrusted(where: string, value: unknown): readonly Uint8Array[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0)
    throw new TypeError(
      `${where}: \`security.trustedPeers\` takes a list of Ed25519 public keys, at least one, got ${formatKind(value)}`,
    );
  return Object.freeze(
    Array.from(value, (key: unknown, index) => readTrustedKey(where, `trustedPeers[${index}]`, key)),
  );
}

function readTrustedKey(where: string, option: string, value: unknown): Uint8Array {
  const key = types.isUint8Array(value) ? readRawKey(where, option, value) : readPublicKey(where, option, value);
  if (isWeakIdentityKey(key))
    throw new TypeError(
      `${where}: \`security.${option}\` is a point of small order or no canonical encoding, so that anyone could sign for it; pass the public key of a generated Ed25519 pair`,
    );
  return key;
}

function readRawKey(where: string, option: string, value: Uint8Array): Uint8Array {
  if (value.length === IDENTITY_KEY_BYTES) return Uint8Array.from(value);
  throw new TypeError(`${where}: ${takesKey(option, "public")}, got ${value.length} bytes`);
}

function readPublicKey(where: string, option: string, value: unknown): Uint8Array {
  return encodeIdentityKey(assertKey(where, option, value, "public"));
}

function readIdentity(where: string, value: unknown): KeyObject | undefined {
  return value === undefined ? undefined : assertKey(where, "identity", value, "private");
}

function assertKey(where: string, option: string, value: unknown, type: "private" | "public"): KeyObject {
  const takes = takesKey(option, type);
  if (!types.isKeyObject(value)) throw new TypeError(`${where}: ${takes}, got ${formatKind(value)}`);
  if (value.asymmetricKeyType !== "ed25519" || value.type !== type)
    throw new TypeError(
      `${where}: ${takes}, got a ${value.type} key${value.asymmetricKeyType ? ` of type ${value.asymmetricKeyType}` : ""}`,
    );
  return value;
}

function takesKey(option: string, type: "private" | "public"): string {
  const raw = type === "public" ? " or its 32 raw bytes" : "";
  return `\`security.${option}\` takes an Ed25519 ${type} key as a KeyObject${raw}`;
}
