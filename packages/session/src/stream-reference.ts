import type { Duplex } from "node:stream";

/** Says whether a stream keeps the process alive, where it is of a kind that can: sockets are, streams in general not. */
export function setStreamReferenced(stream: Duplex, referenced: boolean): void {
  const method: unknown = Reflect.get(stream, referenced ? "ref" : "unref");
  if (typeof method === "function") method.call(stream);
}
