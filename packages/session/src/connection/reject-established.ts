import type { EstablishedConnection } from "../codec/codec.js";
import { encodeControlFrame, type GoawayReason } from "../codec/control-frame.js";
import { rethrowDefect } from "../errors.js";
import { CONTROL_TYPE } from "../message.js";
import { FEATURE } from "../negotiation/offer.js";
import { closeGracefully, destroyStream } from "../stream-close.js";

/** Ends a connection whose handshake is complete, and tells the peer why if it has control frames; otherwise it is cut. */
export function rejectEstablished({ stream, outcome }: EstablishedConnection, reason: GoawayReason): void {
  if ((outcome.features & FEATURE.controlFrames) === 0) {
    destroyStream(stream);
    return;
  }
  const { codec } = outcome;
  try {
    const goaway = encodeControlFrame({ op: "goaway", reason, received: 0, taken: 0 });
    const { headroom, frameOverhead, tailroom } = codec;
    const batch = new Uint8Array(headroom + frameOverhead + goaway.length + tailroom);
    codec.writeFrame(batch, headroom, CONTROL_TYPE, goaway);
    codec.sealBatch(batch);
    stream.write(batch);
    const last = codec.closeNotify();
    if (last !== undefined) stream.write(last);
  } catch (error) {
    rethrowDefect(error);
  }
  void closeGracefully(stream);
}
