// For Jest with its defaults: CommonJS.
const { converse } = require("./conversation.cjs");

test("a client and a server converse", async () => {
  expect(await converse(`ipc-jest-${process.pid}`)).toBe("got hello");
});

test("a client without a server is told so", async () => {
  const { isIpcError, startClient } = require("@ipc/client");
  const error = await startClient({ name: `absent-${process.pid}`, retry: false }).catch((reason) => reason);
  expect(isIpcError(error) && error.code).toBe("IPC_NO_SERVER");
});
