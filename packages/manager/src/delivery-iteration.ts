import { Deferred, iterate, type MessageIterator } from "@ipc/session/internal";
import type { Delivery, MergedStream, StreamMember, StreamReader } from "./merged-stream.js";

/**
 * Iterates over the messages of all connections in round-robin order, one message of each per round, so that a connection that
 * floods delays another by at most one message.
 */
export function iterateDeliveries(stream: MergedStream): MessageIterator<Delivery> {
  /** Connections that may have a message, in the order in which they are served. */
  const ready = new Set<StreamMember>();
  const waits = new Set<Deferred<Delivery | undefined>>();

  const tryNext = (): Delivery | undefined => {
    for (const member of ready) {
      ready.delete(member);
      const message = member.takeData();
      // Skip statuses that no message follows, so that a closed connection can be removed.
      if (member.inbox.unreadBytes === 0) member.takeData();
      else if (message !== undefined) ready.add(member);
      if (member.inbox.isOver) stream.forget(member);
      if (message !== undefined) return { connection: member.connection, message };
    }
    return undefined;
  };

  let isServing = false;
  const serve = (): void => {
    // Taking a message makes room, which may bring another synchronously: deliver the first before taking it.
    if (isServing) return;
    isServing = true;
    for (const wait of waits) {
      const delivery = tryNext();
      if (delivery === undefined) break;
      waits.delete(wait);
      wait.resolve(delivery);
    }
    isServing = false;
    if (stream.endedBy !== undefined) settle();
  };

  const settle = (): void => {
    for (const wait of waits) {
      waits.delete(wait);
      if (stream.endedBy?.isFailure === true) wait.reject(stream.endedBy.error());
      else wait.resolve(undefined);
    }
  };

  const reader: StreamReader = {
    what: "iteration",
    holder: "the iteration",
    ready: (member) => {
      ready.add(member);
      if (waits.size > 0) serve();
    },
    forgotten: (member) => ready.delete(member),
    takesNew: () => true,
    ended: serve,
  };

  return iterate<Delivery>({
    begin: () => stream.take(reader),
    tryNext,
    next: () => {
      const wait: Deferred<Delivery | undefined> = new Deferred({
        what: "iteration",
        onCancel: () => waits.delete(wait),
      });
      waits.add(wait);
      if (stream.endedBy !== undefined) settle();
      return wait.promise;
    },
    end: () => {
      stream.release(reader);
      for (const wait of waits) {
        waits.delete(wait);
        wait.resolve(undefined);
      }
    },
  });
}
