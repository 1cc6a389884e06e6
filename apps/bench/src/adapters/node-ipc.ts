import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { IPCModule } from "node-ipc";
import type { Adapter, Link } from "../adapter.js";
import { KIND, type Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

const NAME = "bench";
const KINDS = Object.values(KIND);

/** JSON, one event for each kind. Nothing of its own tells whether a message has left, so its socket is asked. */
class NodeIpcLink implements Link {
  readonly #emit: (event: string, payload: Payload) => void;
  readonly #socket: Socket;
  readonly #end: () => void;
  #drained: Promise<unknown> | undefined;

  constructor(socket: Socket, emit: (event: string, payload: Payload) => void, end: () => void) {
    this.#socket = socket;
    this.#emit = emit;
    this.#end = end;
  }

  send(kind: Kind, payload: Payload): Promise<unknown> | undefined {
    this.#emit(String(kind), payload);
    if (!this.#socket.writableNeedDrain) return undefined;
    this.#drained ??= once(this.#socket, "drain").finally(() => {
      this.#drained = undefined;
    });
    return this.#drained;
  }

  sendAwaited(): never {
    throw new Error("node-ipc has nothing to await for each message");
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    this.#end();
  }
}

function make(): IPCModule {
  const ipc = new IPCModule();
  Object.assign(ipc.config, { silent: true, stopRetrying: true, maxConnections: 100_000 });
  return ipc;
}

export const nodeIpc: Adapter = {
  abilities: { manners: ["when it must"], clients: true, pause: true },
  isText: true,
  listen(directory, accept) {
    const ipc = make();
    return new Promise((resolve) => {
      ipc.serve(join(directory, "s"), resolve);
      const takers = new WeakMap<Socket, ReturnType<typeof accept>>();
      ipc.server.on("connect", (socket: Socket) => {
        const emit = (event: string, payload: Payload): void => ipc.server.emit(socket, event, payload);
        takers.set(socket, accept(new NodeIpcLink(socket, emit, () => socket.destroy())));
      });
      for (const kind of KINDS) {
        ipc.server.on(String(kind), (payload: Payload, socket: Socket) => takers.get(socket)?.(kind, payload));
      }
      ipc.server.start();
    });
  },
  connect(directory, deliver) {
    const ipc = make();
    return new Promise((resolve) => {
      ipc.connectTo(NAME, join(directory, "s"), () => {
        const far = ipc.of[NAME];
        if (far === undefined) throw new Error("node-ipc has not made a client");
        for (const kind of KINDS) far.on(String(kind), (payload: Payload) => deliver(kind, payload));
        const emit = (event: string, payload: Payload): void => far.emit(event, payload);
        far.on("connect", () => resolve(new NodeIpcLink(far.socket, emit, () => ipc.disconnect(NAME))));
      });
    });
  },
};
