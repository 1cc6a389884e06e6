import type { ChildProcess } from "node:child_process";
import type { Adapter, Deliver, Link } from "../adapter.js";
import type { Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

/** Either end of the channel between a process and its child; with `serialization: "advanced"` bytes stay bytes. */
class ChannelLink implements Link {
  readonly #end: NodeJS.Process | ChildProcess;

  constructor(end: NodeJS.Process | ChildProcess) {
    this.#end = end;
  }

  send(_kind: Kind, payload: Payload): Promise<void> | undefined {
    let mayGoOn = true;
    const sent = new Promise<void>((resolve, reject) => {
      mayGoOn = this.#send(payload, (error) => (error ? reject(error) : resolve()));
    });
    return mayGoOn ? undefined : sent;
  }

  sendAwaited(_kind: Kind, payload: Payload): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#send(payload, (error) => (error ? reject(error) : resolve()));
    });
  }

  pause(): never {
    throw new Error("a channel between processes cannot be paused");
  }

  resume(): never {
    throw new Error("a channel between processes cannot be paused");
  }

  async close(): Promise<void> {
    // It ends with the process.
  }

  /** False when the channel asks to wait. */
  #send(payload: Payload, done: (error: Error | null) => void): boolean {
    // Both have the method, and neither type tells of the signature without a handle.
    const end = this.#end as { send(message: unknown, done: (error: Error | null) => void): boolean };
    return end.send(payload, done);
  }
}

function take(end: NodeJS.Process | ChildProcess, deliver: Deliver): void {
  end.on("message", (data: unknown) => {
    if (data instanceof Uint8Array) deliver(data[0] ?? 0, data);
  });
}

export const childProcess: Adapter = {
  abilities: { manners: ["awaited", "when it must"], clients: false, pause: false },
  isText: false,
  async listen(_directory, accept) {
    take(process, accept(new ChannelLink(process)));
  },
  async connect(_directory, deliver, _many, server) {
    if (server === undefined) throw new Error("only the process that forked the server has a channel to it");
    take(server, deliver);
    return new ChannelLink(server);
  },
};
