import { SessionError } from "./session-error.js";

/** Says what a connection ended with that nobody here asked to end, and what was lost with it. */
export function connectionLostError(
  what: string,
  unsentMessages: number,
  droppedBytes: number,
  cause?: Error,
): SessionError {
  const dropped = droppedBytes === 0 ? "" : `; ${droppedBytes} bytes had arrived and were dropped, nobody read`;
  return new SessionError(
    "IPC_CONNECTION_LOST",
    `${what}; ${unsentMessages} messages were accepted and not sent${dropped}`,
    cause === undefined ? undefined : { cause },
  );
}
