import { KeyObject } from "node:crypto";
import { encodeIdentityKey, importPsk, PSK_BYTES } from "@ipc/crypto";
import { type Credentials, NO_CREDENTIALS } from "../handshake/credentials.js";
import { formatKind, OptionReader } from "./option-reader.js";

/** A server takes several pre-shared keys, the key file's among them, so that one can replace another. */
const MAX_PSKS = 4;

/** How two of ours prove themselves to each other. Without keys a session is secret, and each side anonymous. */
export interface SecurityOptions {
  /**
   * "golang-ipc": never a secure session, with nobody. For tests and comparisons, and without keys. "auto": with every peer
   * that speaks it.
   * @default "auto"
   */
  readonly wire?: "auto" | "golang-ipc";
  /**
   * A pre-shared key: 32 random bytes, which are copied and stay the caller's to wipe. A client has one; a server up to
   * four, a key file's among them, which it tries in turn.
   */
  readonly psk?: Uint8Array | readonly Uint8Array[];
  /** The Ed25519 private key with which this side signs, where the other one trusts it. */
  readonly identity?: KeyObject;
  /** The Ed25519 public keys of those whom this side talks to, at least one: the other side must sign with one of them. */
  readonly trustedPeers?: readonly KeyObject[];
  /**
   * True: a private file of this user's, which the server makes when it starts and the client reads at each dial: the same
   * user, or out. A string: the path of such a file, in a directory that exists. Not for sessions, nor on Windows.
   * @default false
   */
  readonly keyFile?: boolean | string;
  /**
   * Refuses whoever does not prove everything that is configured here; also without keys, golang-ipc's peers.
   * @default true as soon as there is a key
   */
  readonly require?: boolean;
}

/** SecurityOptions, complete. */
export interface ResolvedSecurity {
  readonly credentials: Credentials;
  /** True: at its usual place. A string: its path. False: there is none. */
  readonly keyFile: boolean | string;
}

/**
 * Resolves the option `security` of a side.
 * @param encryption of that side, without which it can have no keys
 * @throws TypeError, RangeError naming the option, what it takes and what it got; never a key
 */
export function resolveSecurity(
  where: string,
  role: "client" | "server",
  options: SecurityOptions | undefined,
  encryption: boolean,
): ResolvedSecurity {
  if (options === undefined) return { credentials: NO_CREDENTIALS, keyFile: false };
  // A key that is given in the wrong place must not come back in the error.
  const known = ["wire", "psk", "identity", "trustedPeers", "keyFile", "require"] as const;
  const reader = new OptionReader<SecurityOptions>(`${where}: security`, options, known, formatKind);
  refuseMissing(where, options);
  const keyFile = readKeyFile(where, options.keyFile);
  const psks = readPsks(where, role, options.psk, keyFile !== false);
  const identity = readKey(where, "identity", options.identity, "private");
  const trustedPeers = readTrusted(where, options.trustedPeers);
  const supportsSecure = reader.choice("wire", ["auto", "golang-ipc"], "auto") === "auto";
  const hasKeys = psks.length > 0 || keyFile !== false || identity !== undefined || trustedPeers !== undefined;
  const require = reader.boolean("require", hasKeys);
  if ((hasKeys || require) && !encryption)
    throw new TypeError(
      `${where}: \`security\` takes no keys and no \`require\` beside \`encryption: false\`; nothing would be secret`,
    );
  if ((hasKeys || require) && !supportsSecure)
    throw new TypeError(
      `${where}: \`security\` takes no keys and no \`require\` beside \`wire: "golang-ipc"\`, which has no use for them`,
    );
  return Object.freeze({
    credentials: Object.freeze({ supportsSecure, psks, identity, trustedPeers, require }),
    keyFile,
  });
}

/** A key that was not found where it was looked for must not become a session with everybody. */
function refuseMissing(where: string, options: SecurityOptions): void {
  for (const option of ["psk", "identity", "trustedPeers", "keyFile"] as const) {
    if (Object.hasOwn(options, option) && options[option] === undefined)
      throw new TypeError(`${where}: \`security.${option}\` is undefined; leave it out where there is to be none`);
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
    throw new RangeError(`${where}: ${takes}, got ${list.length}${hasKeyFile ? " beside the key file" : ""}`);
  return Object.freeze(
    // Also over holes, which `map` of the list itself passes over.
    Array.from(list, (psk) => {
      // A string's bytes would hardly be random.
      if (!(psk instanceof Uint8Array)) throw new TypeError(`${where}: ${takes}, got ${formatKind(psk)}`);
      if (psk.length !== PSK_BYTES) throw new RangeError(`${where}: ${takes}, got ${psk.length} bytes`);
      // Memory that nobody has filled, or that was wiped too early: everybody knows this key.
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
    Array.from(value, (key: unknown) => encodeIdentityKey(readKey(where, "trustedPeers", key, "public") as KeyObject)),
  );
}

function readKey(where: string, option: string, value: unknown, type: "private" | "public"): KeyObject | undefined {
  if (value === undefined && option === "identity") return undefined;
  const takes = `\`security.${option}\` takes an Ed25519 ${type} key as a KeyObject`;
  if (!(value instanceof KeyObject)) throw new TypeError(`${where}: ${takes}, got ${formatKind(value)}`);
  if (value.asymmetricKeyType !== "ed25519" || value.type !== type)
    throw new TypeError(
      `${where}: ${takes}, got a ${value.type} key${value.asymmetricKeyType ? ` of type ${value.asymmetricKeyType}` : ""}`,
    );
  return value;
}
