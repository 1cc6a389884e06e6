import { SessionError } from "../src/errors.js";
import type { InboxEvents } from "../src/inbox/consumer.js";
import { Inbox } from "../src/inbox/inbox.js";
import type { Status } from "../src/message.js";
import { type DataMessage, ReceivedMessage, type StatusMessage } from "../src/message.js";
import type { SharedBudget } from "../src/shared-budget.js";

export const closed = (): SessionError => new SessionError("IPC_CLOSED", "read: this peer is closed");
export const lost = (): SessionError => new SessionError("IPC_CONNECTION_LOST", "cut");

/** An inbox that writes down what it tells. */
export function recordedInbox(maxUnreadBytes = 1_024, budget?: SharedBudget): { inbox: Inbox; told: string[] } {
  const told: string[] = [];
  const events: InboxEvents = {
    message: (message) => told.push(`message ${message.type}`),
    status: (status) => told.push(`status ${status}`),
    full: () => told.push("full"),
    room: () => told.push("room"),
    ended: () => told.push("ended"),
  };
  return { inbox: new Inbox(maxUnreadBytes, events, budget), told };
}

export function message(type: number, bytes = 0): ReceivedMessage {
  return new ReceivedMessage(type, new Uint8Array(bytes));
}

export function shown(received: DataMessage | StatusMessage): number | Status {
  return received.kind === "data" ? received.type : received.status;
}

export async function nextTick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
