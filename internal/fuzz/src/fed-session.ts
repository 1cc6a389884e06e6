import type { MessageBody } from "@ipc/framing";
import type { IpcError } from "@ipc/session";
import { type EstablishedConnection, type PeerLimits, PeerSession } from "@ipc/session/internal";
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
  lost: { readonly error: IpcError; readonly clean: boolean } | undefined;

  constructor(established: EstablishedConnection) {
    const { security } = established.outcome.codec;
    super({ limits: LIMITS, security, status: "Not Connected", remote: established.remote });
    this.connect(established);
  }

  protected override release(): Promise<void> {
    return Promise.resolve();
  }

  protected override setReferenced(): void {
    // There is no handle.
  }

  protected override onDisconnected(error: IpcError, clean: boolean): void {
    this.lost = { error, clean };
    this.setStatus("Disconnected");
    this.finish("Disconnected", clean ? undefined : error);
  }
}

/** Reads until a read rejects: the messages, and that error. */
export async function readToEnd(session: FedSession): Promise<{ messages: MessageBody[]; error: unknown }> {
  const messages: MessageBody[] = [];
  try {
    for (;;) {
      const received = await session.read();
      if (received.kind === "data") messages.push(received);
    }
  } catch (error) {
    return { messages, error };
  }
}
