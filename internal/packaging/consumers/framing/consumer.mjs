import assert from "node:assert/strict";
import { encodeMessage, FrameDecoder } from "@ipc/framing";

const decoder = new FrameDecoder({ maxBodyLength: 1_024 });
decoder.push(encodeMessage(7, new Uint8Array([1, 2, 3])));
assert.deepEqual(decoder.nextMessage(), { type: 7, data: new Uint8Array([1, 2, 3]) });
