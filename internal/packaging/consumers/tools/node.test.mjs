// For node --test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { converse } from "./conversation.mjs";

test("a client and a server converse", async () => {
  assert.equal(await converse(`ipc-node-${process.pid}`), "got hello");
});
