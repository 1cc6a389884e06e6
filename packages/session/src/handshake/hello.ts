/** Version 2 of the golang-ipc protocol. @see golang-ipc vars.go, `VERSION` */
export const VERSION = 0x02;

/** The second byte of the server's hello. @see golang-ipc handshake.go, `one` */
export const HELLO = {
  plain: 0x00,
  encrypted: 0x01,
  /** Ours: the place is taken. Go clients fail at once on it, with and without encryption. */
  busy: 0xff,
} as const;

/** The client's answers. @see golang-ipc handshake.go, `one` */
export const REPLY = {
  ok: 0x00,
  versionDiffers: 0x01,
  encryptionRequired: 0x02,
} as const;

/** What a server says to a client whose place is taken, before it ends the connection. */
export const BUSY_HELLO: Uint8Array = Uint8Array.of(VERSION, HELLO.busy);
