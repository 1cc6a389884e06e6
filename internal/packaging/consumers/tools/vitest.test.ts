// For Vitest with its defaults.
import { expect, test } from "vitest";
import { converse } from "./conversation";

test("a client and a server converse", async () => {
  expect(await converse(`ipc-vitest-${process.pid}`)).toBe("got hello");
});
