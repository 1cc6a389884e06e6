import { type Session, SessionError } from "@ipc/session";
import { clientIdRequest, tryDecodeClientId } from "@ipc/session/internal";

/**
 * A golang-ipc manager drops about one request in fifty, when it reads it before it has noticed that somebody is connected;
 * the connection stays good. Asking again costs a slot at the most, when the answer was only late.
 */
const ASK_AGAIN_MS = 1_000;

export interface ClientIdWait {
  /** For messages: the server's name. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Whether the time limit keeps the process alive. */
  readonly referenced: boolean;
}

/**
 * Asks a manager for a client id and returns it, 1 … 2^32-1. Whatever else it says is passed over.
 * @throws SessionError IPC_HANDSHAKE_TIMEOUT, IPC_HANDSHAKE_FAILED, IPC_CONNECTION_LOST
 * @see golang-ipc pool.go, `StartClientPool`
 */
export async function askClientId(session: Session, { name, timeoutMs, referenced }: ClientIdWait): Promise<number> {
  let late: SessionError | undefined;
  const timer = setTimeout(() => {
    late = new SessionError(
      "IPC_HANDSHAKE_TIMEOUT",
      `the manager of \`${name}\` gave no client id within ${timeoutMs} ms; a golang-ipc server answers one client at a time`,
    );
    session.destroy(late);
  }, timeoutMs);
  // Whatever it fails with, the iteration below fails with as well.
  const again = setInterval(() => void session.writeMessage(clientIdRequest), ASK_AGAIN_MS).unref();
  if (!referenced) timer.unref();
  try {
    await session.writeMessage(clientIdRequest);
    for await (const message of session) {
      const id = tryDecodeClientId(message);
      if (id !== undefined) return id;
    }
    throw new SessionError("IPC_HANDSHAKE_FAILED", `the manager of \`${name}\` went away without giving a client id`);
  } catch (error) {
    throw late ?? error;
  } finally {
    clearTimeout(timer);
    clearInterval(again);
  }
}
