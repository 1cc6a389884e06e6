import assert from "node:assert/strict";
import { startClient } from "@ipc/client";

await assert.rejects(startClient({ name: `nobody-${process.pid}`, retry: false, timeoutMs: 2_000 }), {
  code: "IPC_NO_SERVER",
});
