/** Every way in which key exchange or a cipher fails. `docs/ERRORS.md` has a heading for each. */
export type CryptoErrorCode = "IPC_CIPHER_EXHAUSTED" | "IPC_DECRYPTION_FAILED" | "IPC_PUBLIC_KEY_INVALID";

/** A key or a sealed message was not what it must be: the connection that it came over must be ended. */
export class CryptoError extends Error {
  override readonly name = "CryptoError";
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
