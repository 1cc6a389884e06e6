import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { NAME } from "./conversation.js";

const CUT_EVERY_MS = 100;

/** Stands for a tunnel that fails again and again: forwards to the server in a directory, and cuts the connection. */
export class CuttingProxy {
  /** Dial here. */
  readonly directory: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;
  #cuts = 0;

  private constructor(directory: string, target: string) {
    this.directory = directory;
    this.#server = createServer((near) => {
      const far = connect(join(target, `${NAME}.sock`));
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        // A reset tells nothing that the end does not.
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async listen(target: string): Promise<CuttingProxy> {
    const directory = await mkdtemp(join(target, "proxy-"));
    const proxy = new CuttingProxy(directory, target);
    proxy.#server.listen(join(directory, `${NAME}.sock`));
    await once(proxy.#server, "listening");
    return proxy;
  }

  get cuts(): number {
    return this.#cuts;
  }

  /** Cuts from now on. */
  start(): void {
    this.#timer = setInterval(() => this.#cut(), CUT_EVERY_MS);
  }

  /** Cuts no more. */
  calm(): void {
    clearInterval(this.#timer);
  }

  async close(): Promise<void> {
    this.calm();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await rm(this.directory, { recursive: true });
  }

  #cut(): void {
    if (this.#sockets.size === 0) return;
    this.#cuts++;
    for (const socket of this.#sockets) socket.destroy();
  }
}
