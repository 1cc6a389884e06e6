import { SessionError } from "./session-error.js";

/** Who can hold an inbox, for messages. */
export const CONSUMERS = {
  read: "a pending read",
  iteration: "the iteration",
  listener: "the listener",
  loan: "whoever reads all connections",
} as const;

/** Says that there is a consumer already. */
export function consumerTakenError(what: string, takenBy: string): SessionError {
  return new SessionError(
    "IPC_CONSUMER_TAKEN",
    `${what}: messages already go to ${takenBy}; consume them in one way at a time`,
  );
}
