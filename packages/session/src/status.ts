/** What golang-ipc says of a connection, in its words. */
export type Status =
  | "Not Connected"
  | "Listening"
  | "Connecting"
  | "Connected"
  | "Reconnecting"
  | "Closed"
  | "Closing"
  | "Error"
  | "Timeout"
  | "Disconnected";

/** golang-ipc's numbers. @see golang-ipc types.go, `Status` */
const CODES: Readonly<Record<Status, number>> = {
  "Not Connected": 0,
  Listening: 1,
  Connecting: 2,
  Connected: 3,
  Reconnecting: 4,
  Closed: 5,
  Closing: 6,
  Error: 7,
  Timeout: 8,
  Disconnected: 9,
};

/** Returns golang-ipc's number of a status, 0 … 9. */
export function statusCode(status: Status): number {
  return CODES[status];
}
