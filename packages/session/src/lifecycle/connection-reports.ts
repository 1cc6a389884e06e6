import type { MessageBody } from "@ipc/framing";
import type { GoawayReason } from "../codec/control-frame.js";
import type { ConnectionEvents } from "../connection/connection.js";
import type { SilenceNews } from "../diagnostics.js";
import type { IpcError } from "../errors.js";
import { ReceivedMessage } from "../message.js";
import type { ConnectionOrigin } from "./connection-origin.js";
import type { PeerReader } from "./peer-reader.js";
import type { Connected } from "./peer-state.js";

/** The peer of a connection. */
export interface ReportedPeer {
  readonly reader: Pick<PeerReader<never>, "receivedBuffer" | "acceptsRemaining" | "emitGoaway">;
  onSilence(news: SilenceNews, origin: ConnectionOrigin): void;
  onEnd(connected: Connected, error: IpcError, clean: boolean): void;
}

/** Passes on to a peer what its connection reports. */
export class ConnectionReports implements ConnectionEvents {
  readonly #connected: Connected;
  readonly #peer: ReportedPeer;

  constructor(connected: Connected, peer: ReportedPeer) {
    this.#connected = connected;
    this.#peer = peer;
  }

  message({ type, data }: MessageBody): void {
    const { input, origin } = this.#connected;
    input.receive(new ReceivedMessage(type, data, origin));
  }

  bufferDone(buffer: ArrayBufferLike): void {
    this.#peer.reader.receivedBuffer(buffer);
    this.#connected.input.onBatch();
  }

  acceptsRemaining(): boolean {
    return this.#peer.reader.acceptsRemaining;
  }

  goaway(reason: GoawayReason): void {
    this.#peer.reader.emitGoaway(reason);
  }

  end(error: IpcError, clean: boolean): void {
    this.#peer.onEnd(this.#connected, error, clean);
  }

  silence(news: SilenceNews): void {
    this.#peer.onSilence(news, this.#connected.origin);
  }
}
