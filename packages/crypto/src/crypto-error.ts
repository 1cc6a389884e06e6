/** Every code of a failed key exchange, cipher or peer authentication. `docs/ERRORS.md` has a heading for each. */
export type CryptoErrorCode =
  | "IPC_AUTHENTICATION_FAILED"
  | "IPC_CIPHER_EXHAUSTED"
  | "IPC_DECRYPTION_FAILED"
  | "IPC_PUBLIC_KEY_INVALID"
  | "IPC_RECORD_INVALID"
  | "IPC_RECORD_TRUNCATED";

/** A key, a proof or sealed data is invalid: the connection that carried it must be ended. */
export class CryptoError extends Error {
  override readonly name = "CryptoError";
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
