import assert from "node:assert/strict";
import { startClient } from "@ipc/client";

await assert.rejects(startClient({ name: `absent-${process.pid}`, retry: false }), {
  code: "IPC_NO_SERVER",
});
