import { FrameError } from "./frame-error.js";
import { readUint32, UINT32_BYTES, UINT32_MAX, writeUint32 } from "./uint32.js";

/** Bytes of the type that starts each body. */
export const TYPE_BYTES: number = UINT32_BYTES;

/** What a body says. */
export interface MessageBody {
  /** u32; 0 is reserved for control frames. */
  readonly type: number;
  /** A view into the body, always a plain Uint8Array. */
  readonly data: Uint8Array;
}

/**
 * Encodes a body: `type(4) ‖ data(n)`.
 * @throws RangeError when `type` is not a whole number of 0 … 2^32-1.
 * @see golang-ipc actor.go, `write`
 */
export function encodeBody(type: number, data: Uint8Array): Uint8Array {
  assertType(type);
  const body = new Uint8Array(TYPE_BYTES + data.length);
  writeUint32(body, 0, type);
  body.set(data, TYPE_BYTES);
  return body;
}

/**
 * Decodes a body without copying: `data` is a view into `body`.
 * @throws FrameError IPC_FRAME_TOO_SHORT when there is no room for a type.
 * @see golang-ipc actor.go, `read`
 */
export function decodeBody(body: Uint8Array): MessageBody {
  if (body.length < TYPE_BYTES) {
    throw new FrameError(
      "IPC_FRAME_TOO_SHORT",
      `a body of ${body.length} bytes has no room for its type of ${TYPE_BYTES} bytes; end this connection`,
    );
  }
  // Not `subarray`: that of a Buffer would be a Buffer, and its `toString` another one.
  const data = new Uint8Array(body.buffer, body.byteOffset + TYPE_BYTES, body.length - TYPE_BYTES);
  return { type: readUint32(body, 0), data };
}

/** @throws RangeError when `type` does not fit into its four bytes. */
export function assertType(type: number): void {
  if (!(Number.isInteger(type) && type >= 0 && type <= UINT32_MAX)) {
    throw new RangeError(`type: takes a whole number of 0 … ${UINT32_MAX}, got ${String(type)}`);
  }
}
