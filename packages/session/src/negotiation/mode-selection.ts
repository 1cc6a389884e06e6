import { SessionError } from "../errors.js";
import { type Credentials, clientMode } from "./credentials.js";
import { describeMode, type SecurityOffer } from "./offer.js";

export interface ModeSelection {
  /** The server's name, for error messages. */
  readonly name: string;
  readonly credentials: Credentials;
  readonly encrypted: boolean;
  /** The modes of all earlier secure sessions, as MODE bits; undefined: there was none. */
  readonly earlierMode: number | undefined;
}

/**
 * Selects a client's answer to an offer: every mode that both sides are configured for, or undefined for golang-ipc's own
 * protocol. If this client requires a secure session or had one before, it rejects a missing offer, which an attacker may have
 * removed. It also rejects a server that lacks a mode this client requires or had before, or requires one this client lacks.
 * @throws SessionError IPC_SECURITY_REFUSED
 */
export function selectMode(offer: SecurityOffer | undefined, choice: ModeSelection): number | undefined {
  const { name, credentials, encrypted, earlierMode } = choice;
  const wasSecure = earlierMode !== undefined;
  const isInsisting = credentials.require || wasSecure;
  if (isInsisting && !encrypted)
    refuse(`server \`${name}\` offers no encryption, and this client requires a secure session`);
  if (offer === undefined) {
    if (!isInsisting) return undefined;
    refuse(
      `server \`${name}\` offers only golang-ipc's protocol, and ${
        wasSecure ? "an earlier session was secure" : "`security.require` demands a secure session"
      }; the server is golang-ipc, or a man in the middle removed the offer`,
    );
  }
  if (!credentials.supportsSecure) {
    if (!offer.refusesCompatible) return undefined;
    refuse(`server \`${name}\` rejects golang-ipc's protocol; leave \`security.wire\` at "auto"`);
  }
  const wanted = encrypted ? clientMode(credentials) : 0;
  const mode = wanted & offer.accept;
  const missing = credentials.require ? wanted & ~mode : 0;
  if (missing !== 0)
    refuse(`server \`${name}\` does not accept ${describeMode(missing)}, which \`security.require\` demands`);
  const lost = (earlierMode ?? 0) & ~mode;
  if (lost !== 0)
    refuse(
      `server \`${name}\` does not accept ${describeMode(lost)}, which an earlier session had; it is another server, or a man in the middle`,
    );
  const demanded = offer.require & ~mode;
  if (demanded !== 0) refuse(`server \`${name}\` requires ${describeMode(demanded)}; give this client the key for it`);
  return mode;
}

function refuse(message: string): never {
  throw new SessionError("IPC_SECURITY_REFUSED", message);
}
