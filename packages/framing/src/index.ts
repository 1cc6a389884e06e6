export { FrameDecoder, type FrameDecoderOptions } from "./frame-decoder.js";
export { FrameError, type FrameErrorCode } from "./frame-error.js";
export {
  decodeBody,
  encodeBody,
  encodeFrame,
  encodeMessage,
  LENGTH_BYTES,
  MESSAGE_HEADER_BYTES,
  type MessageBody,
  readUint32,
  TYPE_BYTES,
  UINT32_BYTES,
  UINT32_MAX,
  writeMessageHeader,
  writeUint32,
} from "./frame-layout.js";
export type { AllocateBuffer, FreeBuffer } from "./reassembly-buffer.js";
