import type { Duplex } from "node:stream";
import { type Transport, unixSocket } from "@ipc/transport";
import { temporaryDirectory } from "./temporary-directory.js";

/** Unix sockets in a directory of their own, whose connections the test cuts at the clients. */
export class CutSockets implements Transport {
  readonly #inner: Transport = unixSocket({ directory: temporaryDirectory() });
  readonly #dialled = new Set<Duplex>();

  address: Transport["address"] = (...place) => this.#inner.address(...place);

  listen: Transport["listen"] = (...place) => this.#inner.listen(...place);

  dial: Transport["dial"] = async (...place) => {
    const socket = await this.#inner.dial(...place);
    this.#dialled.add(socket);
    socket.once("close", () => this.#dialled.delete(socket));
    return socket;
  };

  cut(): void {
    for (const socket of this.#dialled) socket.destroy();
  }
}
