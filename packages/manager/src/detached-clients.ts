import type { IpcError } from "@ipc/session";
import { describeSecurity, diagnostics } from "@ipc/session/internal";
import type { ResolvedManagerOptions } from "./manager-options.js";
import type { ManagedConnection } from "./server-connection.js";

/** The clients of a manager whose connection was cut, and whose session waits for them. */
export class DetachedClients {
  readonly #options: Pick<ResolvedManagerOptions, "name" | "logger">;
  readonly #all = new Set<ManagedConnection>();
  /** Whether no further client can connect. */
  #isLast = false;

  constructor(options: Pick<ResolvedManagerOptions, "name" | "logger">) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  get unreadBytes(): number {
    let bytes = 0;
    for (const { inbox } of this.#all) bytes += inbox.unreadBytes;
    return bytes;
  }

  /** The connection of a client was cut. */
  add(managed: ManagedConnection, error: IpcError): void {
    const { name, logger } = this.#options;
    const { id, remote } = managed.connection;
    this.#all.add(managed);
    logger.warn(`server ${name}: client ${id}, ${remote}: ${error.message}`);
    diagnostics.disconnect({ role: "server", name, id, remote, error });
    if (this.#isLast) evict(managed);
  }

  /** A client has a connection. Only one that is back is reported here. */
  onAttached(managed: ManagedConnection): void {
    if (!this.#all.delete(managed)) return;
    const { name, logger } = this.#options;
    const { id, remote, security } = managed.connection;
    logger.info(`server ${name}: client ${id}, ${remote} connected again (${describeSecurity(security)})`);
    diagnostics.connect({ role: "server", name, id, remote, security });
  }

  /** The session of a client has ended. Returns whether it waited for the client: the end of its connection was reported then. */
  delete(managed: ManagedConnection): boolean {
    return this.#all.delete(managed);
  }

  /** No further client can connect, so no session can be resumed. */
  noteLast(): void {
    this.#isLast = true;
    for (const managed of this.#all) evict(managed);
  }
}

function evict(managed: ManagedConnection): void {
  managed.evict("the transport of the manager has no further connection");
}
