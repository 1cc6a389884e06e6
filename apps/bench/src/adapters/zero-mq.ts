import { join } from "node:path";
import { Dealer, Router } from "zeromq";
import type { Adapter, Deliver, Link } from "../adapter.js";
import type { Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

/** Only one send of a socket may be in progress: later sends wait for the earlier ones. */
class Turns {
  #last: Promise<void> = Promise.resolve();
  #underWay = 0;

  take(send: () => Promise<void>): Promise<void> {
    const done = (): void => void this.#underWay--;
    this.#last = this.#underWay++ === 0 ? send() : this.#last.then(send);
    this.#last.then(done, done);
    return this.#last;
  }
}

/** The kind is the first byte of the payload. */
class ZeroMqLink implements Link {
  readonly #write: (payload: Payload) => Promise<void>;
  readonly #end: () => void;

  constructor(write: (payload: Payload) => Promise<void>, end: () => void) {
    this.#write = write;
    this.#end = end;
  }

  send(_kind: Kind, payload: Payload): Promise<void> {
    return this.#write(payload);
  }

  sendAwaited(_kind: Kind, payload: Payload): Promise<void> {
    return this.#write(payload);
  }

  pause(): never {
    throw new Error("one of many connections of a socket cannot be paused");
  }

  resume(): never {
    throw new Error("one of many connections of a socket cannot be paused");
  }

  async close(): Promise<void> {
    this.#end();
  }
}

function addressIn(directory: string): string {
  return `ipc://${join(directory, "s")}`;
}

/** One link over a socket that knows only one other end. */
function single(socket: Dealer): ZeroMqLink {
  const turns = new Turns();
  return new ZeroMqLink(
    (payload) => turns.take(() => socket.send(payload)),
    () => socket.close(),
  );
}

async function receive(socket: Dealer, deliver: Deliver): Promise<void> {
  for await (const [data] of socket) if (data !== undefined) deliver(data[0] ?? 0, data);
}

/** A router tells its clients apart by what it writes before their messages. */
async function receiveMany(router: Router, accept: (link: Link) => Deliver): Promise<void> {
  const clients = new Map<string, Deliver>();
  const turns = new Turns();
  for await (const [id, data] of router) {
    if (id === undefined || data === undefined) continue;
    const key = id.toString("latin1");
    let deliver = clients.get(key);
    if (deliver === undefined) {
      deliver = accept(
        new ZeroMqLink(
          (payload) => turns.take(() => router.send([id, payload])),
          () => {},
        ),
      );
      clients.set(key, deliver);
    }
    deliver(data[0] ?? 0, data);
  }
}

export const zeroMq: Adapter = {
  abilities: { manners: ["awaited"], clients: true, pause: false },
  isText: false,
  async listen(directory, accept, many) {
    if (many) {
      const router = new Router();
      await router.bind(addressIn(directory));
      void receiveMany(router, accept);
    } else {
      const socket = new Dealer();
      await socket.bind(addressIn(directory));
      void receive(socket, accept(single(socket)));
    }
  },
  async connect(directory, deliver) {
    const socket = new Dealer({ linger: 0 });
    socket.connect(addressIn(directory));
    void receive(socket, deliver);
    return single(socket);
  },
};
