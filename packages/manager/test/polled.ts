import type { DataMessage, IpcError, StatusMessage, TimeoutMessage } from "@ipc/session";
import type { PollCallback } from "../src/poll.js";
import type { ServerConnection } from "../src/server-connection.js";
import { type Served, serve, type Visit } from "./served.js";

/** A callback that writes down what it is given, and what it wrote. */
export function recorder(): { words: string[]; callback: PollCallback } {
  const words: string[] = [];
  const show = (message: DataMessage | StatusMessage | TimeoutMessage): string => {
    if (message.kind === "data") return message.text();
    return message.kind === "status" ? message.status : "timeout";
  };
  const callback = (
    { id }: ServerConnection,
    message: Parameters<PollCallback>[1],
    error: IpcError | undefined,
  ): void => {
    words.push([id, show(message), ...(error === undefined ? [] : [error.code])].join(" "));
  };
  return { words, callback };
}

/** A manager with so many clients, whose Connected has been read away. */
export async function serveRead(count: number): Promise<Served & { visits: [Visit, Visit, Visit] }> {
  const served = await serve();
  const visits: Visit[] = [];
  while (visits.length < count) visits.push(await served.visit());
  if (count > 0) await served.manager.read(() => {});
  return { ...served, visits: visits as [Visit, Visit, Visit] };
}
