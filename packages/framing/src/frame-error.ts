/** Every way in which a byte stream fails to be frames. `docs/ERRORS.md` has a heading for each. */
export type FrameErrorCode = "IPC_FRAME_TOO_LARGE" | "IPC_FRAME_TOO_SHORT" | "IPC_FRAME_TRUNCATED";

/** The bytes are not frames: nothing that follows in this stream can be trusted, so the stream must be ended. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
