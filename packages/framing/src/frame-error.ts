/** Every way in which a byte stream is not valid frames. `docs/ERRORS.md` has a heading for each. */
export type FrameErrorCode = "IPC_FRAME_TOO_LARGE" | "IPC_FRAME_TOO_SHORT" | "IPC_FRAME_TRUNCATED";

/** The bytes are not valid frames: the rest of the stream cannot be trusted, so it must be ended. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
