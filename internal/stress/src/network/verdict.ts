import type { Side } from "../traffic/message.js";
import type { Arrived } from "../traffic/order-check.js";
import type { FaultKind, FaultPlan } from "./fault-plan.js";
import type { PeerReport } from "./peer.js";

export interface Outcome {
  readonly plan: FaultPlan;
  readonly fired: readonly FaultKind[];
  readonly reports: Readonly<Record<Side, PeerReport>>;
}

/** Codes that a network can cause without altering a byte. */
const ALWAYS: readonly string[] = [
  "lost IPC_CONNECTION_LOST",
  "lost IPC_PEER_CLOSED",
  "refused IPC_HANDSHAKE_FAILED",
  "refused IPC_HANDSHAKE_TIMEOUT",
  "refused IPC_SERVER_BUSY",
  "refused IPC_CLOSED",
  "write IPC_CONNECTION_LOST",
  "write IPC_PEER_CLOSED",
  "write IPC_NOT_CONNECTED",
  "write IPC_CLOSED",
  "flush IPC_CONNECTION_LOST",
  "flush IPC_PEER_CLOSED",
  "flush IPC_NOT_CONNECTED",
  "flush IPC_CLOSED",
  "read IPC_CLOSED",
];

/** Codes that an altered byte can cause, too. The hello is not protected, so an altered hello may end a client for good. */
const FLIPPED: readonly string[] = [
  ...["lost", "write", "flush"].flatMap((where) => [
    `${where} IPC_DECRYPTION_FAILED`,
    `${where} IPC_FRAME_TOO_LARGE`,
    `${where} IPC_FRAME_TOO_SHORT`,
    `${where} IPC_RECORD_INVALID`,
  ]),
  "refused IPC_DECRYPTION_FAILED",
  "refused IPC_AUTHENTICATION_FAILED",
  "refused IPC_RECORD_INVALID",
  "refused IPC_PUBLIC_KEY_INVALID",
  "refused IPC_VERSION_MISMATCH",
  "refused IPC_ENCRYPTION_REFUSED",
];

/** Codes of a client that ends for good, because no retry can succeed. */
const FINAL: readonly string[] = ["start", "error", "read", "write", "flush"].flatMap((where) => [
  `${where} IPC_VERSION_MISMATCH`,
  `${where} IPC_ENCRYPTION_REFUSED`,
]);

/** Codes of a side that is closed or destroyed under a lasting fault. */
const UNFINISHED: readonly string[] = ["close IPC_CLOSE_INCOMPLETE", "start IPC_ABORTED"];

/** Says what is wrong with how a run ended; undefined: nothing. */
export function findFault({ plan, fired, reports }: Outcome): string | undefined {
  const isFlipped = fired.includes("flip");
  const allowed = new Set([
    ...ALWAYS,
    ...(isFlipped ? [...FLIPPED, ...FINAL] : []),
    ...(plan.finale.kind === "finish" ? [] : UNFINISHED),
  ]);
  const { server, client } = reports;
  const codes = [...server.codes, ...client.codes];
  const wrong = codes.filter((code) => !allowed.has(code));
  if (wrong.length > 0) return `nothing explains ${wrong.join(", ")}`;
  const planned = plan.connections.filter(({ fault }) => fault !== undefined).length;
  const isFinal = codes.some((code) => FINAL.includes(code));
  if (fired.length < planned && !isFinal) return `${fired.length} of ${planned} faults happened`;
  const isFinished = plan.finale.kind === "finish" && !isFinal;
  return (
    findLoss("server", server.sent, client.arrived, isFinished) ??
    findLoss("client", client.sent, server.arrived, isFinished)
  );
}

/** No connection brings more than was written to it; the last one, when it was finished, brings all. */
function findLoss(
  from: Side,
  sent: readonly Arrived[],
  arrived: readonly Arrived[],
  isFinished: boolean,
): string | undefined {
  const written = new Map(sent.map(({ connection, messages }) => [connection, messages]));
  for (const { connection, messages } of arrived) {
    const most = written.get(connection) ?? 0;
    if (messages > most)
      return `${messages} messages of the ${from}'s connection ${connection} arrived, ${most} were written`;
  }
  const last = sent.at(-1);
  const lastArrived = arrived.at(-1);
  if (!isFinished || last === undefined) return undefined;
  if (lastArrived?.connection === last.connection && lastArrived.messages === last.messages) return undefined;
  return `of ${last.messages} messages on the ${from}'s last connection ${last.connection}, ${lastArrived?.messages} of connection ${lastArrived?.connection} arrived`;
}
