import { SessionError } from "../errors.js";
import { type Handshake, send } from "./steps.js";

/** Version 2 of the golang-ipc protocol. @see golang-ipc vars.go, `VERSION` */
export const VERSION = 0x02;

/** The second byte of the server's hello. @see golang-ipc handshake.go, `one` */
export const HELLO = {
  plain: 0x00,
  encrypted: 0x01,
  /** @ipc only: the server is busy. Go clients fail on it at once, with and without encryption. */
  busy: 0xff,
} as const;

/** The client's reply to the hello. @see golang-ipc handshake.go, `one` */
export const REPLY = {
  ok: 0x00,
  versionDiffers: 0x01,
  encryptionRequired: 0x02,
} as const;

/** The hello of a busy server, which then ends the connection. */
export const BUSY_HELLO: Uint8Array = Uint8Array.of(VERSION, HELLO.busy);

/** Replies to the hello and returns whether this connection is encrypted. @throws SessionError */
export function* answerHello(
  version: number,
  mode: number,
  options: { readonly name: string; readonly encryption: boolean },
): Handshake<boolean> {
  if (version !== VERSION) {
    yield* send(Uint8Array.of(REPLY.versionDiffers));
    throw new SessionError(
      "IPC_VERSION_MISMATCH",
      `protocol version mismatch: server \`${options.name}\` speaks ${version}, this client ${VERSION}; use matching versions on both sides`,
    );
  }
  switch (mode) {
    case HELLO.busy:
      throw new SessionError(
        "IPC_SERVER_BUSY",
        `server \`${options.name}\` is busy: it serves its maximum of clients, one or a manager's \`maxConnections\`; retry later`,
      );
    case HELLO.plain:
      if (options.encryption) {
        yield* send(Uint8Array.of(REPLY.encryptionRequired));
        throw new SessionError(
          "IPC_ENCRYPTION_REFUSED",
          `server \`${options.name}\` offers no encryption; start a golang-ipc server with \`Encryption: true\`, or pass \`encryption: false\` to use plain text`,
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
        `invalid hello of server \`${options.name}\`: ${mode}, expected 0 (plain) or 1 (encrypted); the server does not speak this protocol`,
      );
  }
}

/** @throws SessionError IPC_VERSION_MISMATCH, IPC_ENCRYPTION_REFUSED, IPC_HANDSHAKE_FAILED unless `reply` accepts the hello */
export function assertAccepted(reply: number): void {
  switch (reply) {
    case REPLY.ok:
      return;
    case REPLY.versionDiffers:
      throw new SessionError(
        "IPC_VERSION_MISMATCH",
        `protocol version mismatch: the client does not speak version ${VERSION}; use matching versions on both sides`,
      );
    case REPLY.encryptionRequired:
      throw new SessionError(
        "IPC_ENCRYPTION_REFUSED",
        "encryption refused: the client requires it, and this server has `encryption: false`; use the same setting on both sides",
      );
    default:
      throw new SessionError(
        "IPC_HANDSHAKE_FAILED",
        `invalid reply to the hello: ${reply}, expected 0; the client does not speak this protocol`,
      );
  }
}
