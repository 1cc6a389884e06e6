import { expect, it } from "vitest";
import { bytes, HeldStream, nextTurn } from "../../test/held-sender.js";
import { recordPair } from "../../test/record-pair.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { someSession } from "../../test/some-session.js";
import type { IpcError } from "../errors.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

/** Writes a message, and in a later tick sixteen, whose batch is sealed behind the last of them: the cipher is exhausted by then. */
async function writeSeventeen(session: ResumableSession | undefined): Promise<Sender> {
  const exhausted: IpcError[] = [];
  const sender = new Sender({
    stream: new HeldStream(),
    encoder: recordPair({ recordLimit: 2 })[0],
    maxQueuedBytes: 1_048_576,
    busyPollUs: 0,
    waiting: new WriteQueue(1_048_576, unawaitedWrites),
    exhausted: (error) => exhausted.push(error),
    session,
  });
  sender.start();
  await sender.write(1, bytes(5));
  await nextTurn();
  await Promise.all(Array.from({ length: 16 }, () => sender.write(2, bytes(64))));
  expect(exhausted).toEqual([expect.objectContaining({ code: "IPC_CIPHER_EXHAUSTED" })]);
  return sender;
}

it("counts a message as accepted and unsent when its batch cannot be sealed, and rejects a flush", async () => {
  const sender = await writeSeventeen(undefined);
  expect([sender.acceptedMessages, sender.unsent.messages]).toEqual([17, 16]);
  await expect(sender.flush(undefined)).rejects.toMatchObject({ code: "IPC_CIPHER_EXHAUSTED" });
});

it("accepts a message whose batch cannot be sealed, and keeps it in a session for the next connection", async () => {
  const session = someSession({ bufferBytes: 1_000_000 });
  const sender = await writeSeventeen(session);
  expect([sender.acceptedMessages, session.resend.messages, session.resend.last]).toEqual([17, 17, 17]);
});
