import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { WebSocketServer } from "ws";

/** One server for each kind of client program; each sends a message back as it came. */
export class EchoServers implements AsyncDisposable {
  /** The argument of the client programs. */
  readonly bare: string;
  readonly web: string;
  readonly ours: string;
  readonly #folder: string;
  readonly #closers: readonly (() => unknown)[];

  private constructor(folder: string, name: string, manager: ServerManager, bare: Server, web: HttpServer) {
    this.#folder = folder;
    this.bare = String(bare.address());
    this.web = String(web.address());
    this.ours = name;
    this.#closers = [() => manager.close(), () => bare.close(), () => web.close().closeAllConnections()];
  }

  static async start(): Promise<EchoServers> {
    const folder = await mkdtemp(join(tmpdir(), "ipc-start-"));
    const name = `ipc-start-${process.pid}`;
    const manager = await startServerManager({ name });
    manager.on("message", (connection, message) => void connection.write(message.type, message.data));
    const bare = createServer((socket) => void socket.on("error", () => {}).pipe(socket));
    const web = createHttpServer();
    new WebSocketServer({ server: web }).on("connection", (socket) => {
      socket.on("message", (data) => socket.send(String(data)));
    });
    await Promise.all([
      once(bare.listen(join(folder, "bare.sock")), "listening"),
      once(web.listen(join(folder, "web.sock")), "listening"),
    ]);
    return new EchoServers(folder, name, manager, bare, web);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
