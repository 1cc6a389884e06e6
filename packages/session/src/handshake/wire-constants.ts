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

/** Type 0 is reserved: Go drops such messages silently in both directions. @see golang-ipc actor.go, `Write` and `read` */
export const CONTROL_TYPE = 0;

/** The limits' body carries a u32 today and up to this many bytes tomorrow; longer ones are refused unread. */
export const LIMITS_MAX_BYTES = 4_096;

/** What a server may announce as its maxMessageSize. */
export const ANNOUNCED_SIZE_MAX = 1_073_741_824;

/** 3 MiB. @see golang-ipc vars.go, `MAX_MSG_SIZE` */
export const DEFAULT_MAX_MESSAGE_SIZE = 3_145_728;
