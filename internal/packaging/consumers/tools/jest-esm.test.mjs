// For Jest with --experimental-vm-modules.
import { converse } from "./conversation.mjs";

test("a client and a server converse", async () => {
  expect(await converse(`ipc-jest-${process.pid}`)).toBe("got hello");
});
