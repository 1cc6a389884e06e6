export { FrameDecoder, type FrameDecoderOptions } from "./frame-decoder.js";
export { encodeFrame, encodeMessage, LENGTH_BYTES, MESSAGE_HEADER_BYTES, writeMessageHeader } from "./frame-encoder.js";
export { FrameError, type FrameErrorCode } from "./frame-error.js";
export { decodeBody, encodeBody, type MessageBody, TYPE_BYTES } from "./message-body.js";
export type { AllocateBuffer } from "./reassembly-buffer.js";
export { readUint32, UINT32_BYTES, UINT32_MAX, writeUint32 } from "./uint32.js";
