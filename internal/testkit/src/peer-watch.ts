import type { DataMessage, IpcError, Peer, PeerEvents, StatusMessage } from "@ipc/session";

/** Whatever can be read from. */
type Readable = Pick<Peer, "read">;

/** The events of clients, sessions and servers. */
interface Events extends PeerEvents {
  refused: [error: IpcError];
}
type Argument<K extends keyof Events> = Events[K] extends readonly [infer A] ? A : undefined;

/** Whatever tells such events. */
interface Watched {
  on(event: never, listener: never): unknown;
  once(event: never, listener: never): unknown;
}

/** A message in one word: its text, or the status. */
function wordOf(message: DataMessage | StatusMessage): string {
  return message.kind === "data" ? message.text() : message.status;
}

/** Reads on until data comes. */
export async function readData(peer: Readable): Promise<DataMessage> {
  for (;;) {
    const message = await peer.read();
    if (message.kind === "data") return message;
  }
}

/** Reads up to and including `word`, a status or a text; returns all words. */
export async function readUntil(peer: Readable, word: string): Promise<string[]> {
  const words: string[] = [];
  while (words.at(-1) !== word) words.push(wordOf(await peer.read()));
  return words;
}

/** Reads until a read rejects; returns all words, and that error's code last. */
export async function readToEnd(peer: Readable): Promise<string[]> {
  const words: string[] = [];
  try {
    for (;;) words.push(wordOf(await peer.read()));
  } catch (error) {
    words.push((error as { readonly code: string }).code);
  }
  return words;
}

/** Resolves with the argument of the next such event. */
export function nextEvent<K extends keyof Events>(peer: Watched, event: K): Promise<Argument<K>> {
  return new Promise((resolve) => {
    peer.once(event as never, ((argument: Argument<K>) => resolve(argument)) as never);
  });
}

/** Keeps the arguments of every such event from now on. */
export function collect<K extends keyof Events>(peer: Watched, event: K): Argument<K>[] {
  const seen: Argument<K>[] = [];
  peer.on(event as never, ((argument: Argument<K>) => seen.push(argument)) as never);
  return seen;
}

/** Resolves with what the promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`expected a rejection, got ${String(value)}`);
}
