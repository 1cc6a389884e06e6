import { expect, test } from "vitest";
import { FrameError } from "./frame-error.js";

test("a FrameError carries its name, its code, its message and its cause", () => {
  const cause = new Error("below");
  const error = new FrameError("IPC_FRAME_TRUNCATED", "cut", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "FrameError", code: "IPC_FRAME_TRUNCATED", message: "cut", cause });
});
