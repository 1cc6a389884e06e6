import { SessionError } from "../errors.js";
import { type Credentials, clientMode } from "./credentials.js";
import { describeMode, type Offer } from "./offer.js";

export interface ModeSelection {
  /** The server's name, for error messages. */
  readonly name: string;
  readonly credentials: Credentials;
  readonly encrypted: boolean;
  /** Whether an earlier connection was secure. */
  readonly wasSecure: boolean;
}

/**
 * Selects a client's answer to an offer: every mode that both sides are configured for, or undefined for golang-ipc's own
 * protocol. If this client requires a secure session or had one before, it rejects a missing offer, which an attacker may have
 * removed. It also rejects a server that lacks a mode this client requires, or requires one this client lacks.
 * @throws SessionError IPC_SECURITY_REFUSED
 */
export function selectMode(offer: Offer | undefined, choice: ModeSelection): number | undefined {
  const { name, credentials, encrypted, wasSecure } = choice;
  const isInsisting = credentials.require || wasSecure;
  if (isInsisting && !encrypted)
    refuse(`server \`${name}\` offers no encryption, and this client insists on a secure session`);
  if (offer === undefined) {
    if (!isInsisting) return undefined;
    refuse(
      `server \`${name}\` offers golang-ipc's protocol only, and ${
        wasSecure
          ? "this client was in a secure session with it before"
          : "`security.require` insists on a secure session"
      }; it is a golang-ipc server, or a man in the middle removed the offer`,
    );
  }
  if (!credentials.supportsSecure) {
    if (!offer.refusesCompatible) return undefined;
    refuse(`server \`${name}\` refuses golang-ipc's protocol; leave \`security.wire\` at "auto"`);
  }
  const wanted = encrypted ? clientMode(credentials) : 0;
  const mode = wanted & offer.accept;
  const missing = credentials.require ? wanted & ~mode : 0;
  if (missing !== 0)
    refuse(`server \`${name}\` does not take ${describeMode(missing)}, which \`security.require\` insists on`);
  const demanded = offer.require & ~mode;
  if (demanded !== 0) refuse(`server \`${name}\` requires ${describeMode(demanded)}; give this client the key for it`);
  return mode;
}

function refuse(message: string): never {
  throw new SessionError("IPC_SECURITY_REFUSED", message);
}
