import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { expect, it } from "vitest";
import { answersOf, readTo } from "../../../../internal/testkit/src/peer-states.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { openSession } from "./session.js";

it.each([
  ["between two messages", Uint8Array.of(), "Disconnected, 9, IPC_CLOSED, IPC_CLOSED, end"],
  [
    "within a message",
    encodeMessage(1, new Uint8Array(4)).subarray(0, 9),
    "Disconnected, 9, IPC_CLOSED, IPC_CONNECTION_LOST, IPC_CONNECTION_LOST",
  ],
])("a session ends with its stream, which ends %s", async (_where, last, answers) => {
  const [stream, peer] = memoryPair();
  peer.write(Uint8Array.of(0, 0));
  const session = untilTestEnds(await openSession(stream, { role: "server", encryption: false }));
  peer.resume().end(last);
  await readTo(session, "Disconnected");
  expect(await answersOf(session)).toBe(answers);
});
