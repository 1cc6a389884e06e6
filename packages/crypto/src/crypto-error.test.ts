import { expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";

test("a CryptoError carries its name, its code, its message and its cause", () => {
  const cause = new Error("below");
  const error = new CryptoError("IPC_DECRYPTION_FAILED", "altered", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "CryptoError", code: "IPC_DECRYPTION_FAILED", message: "altered", cause });
});
