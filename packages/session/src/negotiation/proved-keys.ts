import type { KeyObject } from "node:crypto";
import { SessionError } from "../errors.js";
import type { ProvedKeys } from "../security.js";
import { type Credentials, offerOf } from "./credentials.js";
import { describeMode, MODE } from "./offer.js";

/** A client that is anonymous. */
export const NO_PROOF: ProvedKeys = Object.freeze({ psk: undefined, identity: undefined });

/** The result of a handshake, before its server completes it. */
export interface HandshakeProof {
  /** The server's keys at the start of the handshake. */
  readonly started: Credentials;
  /** The mode of the secure session, as MODE bits; undefined: golang-ipc's protocol. */
  readonly mode: number | undefined;
  readonly keys: ProvedKeys;
}

/** Returns the error of a client that has proved a key which is not, or no longer, among a server's; undefined: all are. */
export function withdrawalError({ psk, identity }: ProvedKeys, credentials: Credentials): SessionError | undefined {
  const { psks, trustedPeers = [] } = credentials;
  // Both keys are this server's own, so the time of the comparison tells a peer nothing.
  if (psk !== undefined && !psks.some((each) => each.equals(psk))) return withdrawn("the pre-shared key");
  if (identity !== undefined && !trustedPeers.some((each) => Buffer.compare(each, identity) === 0))
    return withdrawn("the public key");
  return undefined;
}

/**
 * Checks whether a handshake may complete. The server's keys may have been replaced since its start: then the client must have
 * what they require, and neither side may have used a key that was withdrawn.
 * @throws SessionError IPC_SECURITY_REFUSED
 */
export function assertStillAccepted(current: Credentials, { started, mode, keys }: HandshakeProof): void {
  if (current === started) return;
  const error = withdrawalError(keys, current);
  if (error !== undefined) throw error;
  if (mode === undefined && current.require) refuse("a secure session is required");
  const missing = (offerOf(current)?.require ?? 0) & ~(mode ?? 0);
  if (missing !== 0) refuse(`${describeMode(missing)} is required`);
  const hasSigned = ((mode ?? 0) & MODE.serverSigns) !== 0;
  if (hasSigned && !isSame(started.identity, current.identity)) refuse("the server has another identity, or none");
}

function isSame(one: KeyObject | undefined, other: KeyObject | undefined): boolean {
  return one !== undefined && other !== undefined && one.equals(other);
}

function withdrawn(what: string): SessionError {
  return new SessionError(
    "IPC_SECURITY_REFUSED",
    `${what} of this client was withdrawn by \`updateSecurity\`; give the client a key that the server has`,
  );
}

function refuse(what: string): never {
  throw new SessionError(
    "IPC_SECURITY_REFUSED",
    `client rejected: the server's keys were replaced during its handshake, and now ${what}; the client can dial again`,
  );
}
