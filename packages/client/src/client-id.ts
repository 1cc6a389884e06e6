import { clearInterval, setInterval } from "node:timers";
import { type Session, SessionError } from "@ipc/session";
import { clientIdRequest, startTimeLimit, tryDecodeClientId } from "@ipc/session/internal";

/**
 * Interval of the requests. A golang-ipc manager drops about one request in fifty, if it reads it before it has registered the
 * client; the connection stays usable. A repeated request costs at most one slot, if the first answer was only late.
 */
const ASK_AGAIN_MS = 1_000;

export interface ClientIdWait {
  /** The server's name, for error messages. */
  readonly name: string;
  readonly timeoutMs: number;
}

/**
 * Requests a client id from a manager and returns it, 1 … 2^32-1. Other messages are ignored.
 * @throws SessionError IPC_HANDSHAKE_TIMEOUT, IPC_HANDSHAKE_FAILED, IPC_CONNECTION_LOST, IPC_PEER_CLOSED
 * @see golang-ipc pool.go, `StartClientPool`
 */
export async function askClientId(session: Session, { name, timeoutMs }: ClientIdWait): Promise<number> {
  let late: SessionError | undefined;
  const limit = startTimeLimit(timeoutMs, () => {
    late = new SessionError(
      "IPC_HANDSHAKE_TIMEOUT",
      `client id request failed: the manager of \`${name}\` sent no id within ${timeoutMs} ms; a golang-ipc manager answers one client at a time`,
    );
    session.destroy(late);
  });
  // A failed write also ends the iteration below with the same error.
  const again = setInterval(() => void session.writeMessage(clientIdRequest).catch(() => {}), ASK_AGAIN_MS).unref();
  try {
    await session.writeMessage(clientIdRequest);
    for await (const message of session) {
      const id = tryDecodeClientId(message);
      if (id !== undefined) return id;
    }
    throw new SessionError(
      "IPC_HANDSHAKE_FAILED",
      `client id request failed: the manager of \`${name}\` disconnected without sending an id`,
    );
  } catch (error) {
    throw late ?? error;
  } finally {
    limit.cancel();
    clearInterval(again);
  }
}
