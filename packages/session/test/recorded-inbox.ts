import { SessionError } from "../src/errors.js";
import { Consumer } from "../src/inbox/consumer.js";
import { Inbox, type InboxConsumer } from "../src/inbox/inbox.js";
import type { Status } from "../src/message.js";
import { type DataMessage, ReceivedMessage, type StatusMessage } from "../src/message.js";
import type { SharedBudget } from "../src/shared-budget.js";
import { noOrigin } from "./no-origin.js";

export const closed = (): SessionError => new SessionError("IPC_CLOSED", "read: this peer is closed");
export const lost = (): SessionError => new SessionError("IPC_CONNECTION_LOST", "cut");

interface RecordedInbox {
  readonly inbox: Inbox;
  readonly consumer: InboxConsumer;
  /** The callbacks of the inbox and the deliveries to listeners, in order. */
  readonly events: string[];
}

export function recordedInbox(maxUnreadBytes = 1_024, budget?: SharedBudget): RecordedInbox {
  const events: string[] = [];
  const inbox = new Inbox(
    maxUnreadBytes,
    {
      onStatus: (status) => events.push(`status ${status}`),
      onFull: () => events.push("full"),
      onRoom: () => events.push("room"),
      onEnded: () => events.push("ended"),
    },
    budget,
  );
  const consumer = new Consumer(inbox, ({ type }: DataMessage) => void events.push(`message ${type}`));
  return { inbox, consumer, events };
}

export function message(type: number, bytes = 0): ReceivedMessage {
  return new ReceivedMessage(type, new Uint8Array(bytes), noOrigin);
}

export function shown(received: DataMessage | StatusMessage): number | Status {
  return received.kind === "data" ? received.type : received.status;
}

export async function nextTick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
