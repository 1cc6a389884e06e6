import type { Duplex } from "node:stream";

/** How long a peer may take to end its side after we ended ours, at the least, in milliseconds. */
const LINGER_MS = 250;

/**
 * Ends our side, discards input until the peer ends its own or has had its time, then destroys the stream.
 *
 * Closing on unread input resets the connection: what we sent last may then never be read, and a Go server panics on it.
 * @param lingerMs that peer's time, if that is more than 250 ms
 */
export function closeGracefully(stream: Duplex, lingerMs: number = LINGER_MS): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) {
      resolve();
      return;
    }
    const destroy = (): void => void stream.destroy();
    // A stream of the caller's may never say that it is closed.
    let timer = setTimeout(
      () => {
        destroy();
        timer = setTimeout(resolve, LINGER_MS);
      },
      Math.max(lingerMs, LINGER_MS),
    );
    stream.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    // The peer may end first, and what we sent still be on its way.
    const destroyWhenBoth = (): void => {
      if (stream.readableEnded && stream.writableFinished) destroy();
    };
    stream.once("end", destroyWhenBoth);
    stream.once("finish", destroyWhenBoth);
    stream.on("error", ignore);
    stream.end();
    stream.resume();
    destroyWhenBoth();
  });
}

/** Destroys the stream; what it says from then on interests nobody. */
export function destroyStream(stream: Duplex): void {
  stream.on("error", ignore);
  stream.destroy();
}

function ignore(): void {}

/** Says whether a stream keeps the process alive, where it is of a kind that can: sockets are, streams in general not. */
export function setStreamReferenced(stream: Duplex, referenced: boolean): void {
  const method: unknown = Reflect.get(stream, referenced ? "ref" : "unref");
  if (typeof method === "function") method.call(stream);
}
