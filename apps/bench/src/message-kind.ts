/** The purpose of a benchmark's message. A digit: it stands in the first byte of every payload, for peers without types. */
export const KIND = {
  /** Sent back as it is. */
  echo: 49,
  /** Counted, together with its bytes. */
  count: 50,
  /** Its number and every byte of it are checked, then it is counted. */
  numbered: 51,
  /** Asks what was counted since the last time, or tells it, as JSON behind the first byte. */
  report: 52,
  /** Asks what the server's process holds when its garbage is collected, or tells it. */
  memory: 53,
  /** The same, its garbage included. */
  heap: 56,
  /** From now on the delay of the server's event loop is watched. */
  watch: 54,
  /** The server stops reading from this connection. */
  stall: 55,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];
