import type { TypedData } from "@ipc/framing";
import { type Established, type IpcError, type PeerLimits, PeerSession } from "@ipc/session";
import { MAX_MESSAGE_SIZE } from "./handshakes.js";

const MIB = 1_048_576;
const LIMITS: PeerLimits = {
  maxMessageSize: MAX_MESSAGE_SIZE,
  maxQueuedBytes: MIB,
  maxUnreadBytes: MIB,
  busyPollUs: 0,
};

/** The conversation over one stream whose handshake was run with keys of the test's. Keeps how it ended. */
export class FedSession extends PeerSession {
  lost: { readonly error: IpcError; readonly orderly: boolean } | undefined;

  constructor(established: Established) {
    const { security } = established.negotiated.protection;
    super({ limits: LIMITS, security, status: "Not Connected", remote: established.remote });
    this.connect(established);
  }

  protected override release(): Promise<void> {
    return Promise.resolve();
  }

  protected override setReferenced(): void {
    // There is no handle.
  }

  protected override connectionEnded(error: IpcError, orderly: boolean): void {
    this.lost = { error, orderly };
    this.setStatus("Disconnected");
    this.finish("Disconnected", orderly ? undefined : error);
  }
}

/** Reads until a read rejects: the messages, and that error. */
export async function readToEnd(session: FedSession): Promise<{ messages: TypedData[]; error: unknown }> {
  const messages: TypedData[] = [];
  try {
    for (;;) {
      const received = await session.read();
      if (received.kind === "data") messages.push(received);
    }
  } catch (error) {
    return { messages, error };
  }
}
