import type { Remote } from "../calls/remote-types.js";
import type { Contract } from "../contract/method.js";
import type { CallManager, CallPeer } from "../link/call-peer.js";
import { HandlerTable } from "../serve/handler-table.js";
import type { Rpc, RpcStats } from "../serve/handler-types.js";
import type { PeerRpc } from "./peer-rpc.js";

/** The calls over all connections of a manager. */
export class ManagerRpc implements Rpc {
  readonly handlers: HandlerTable = new HandlerTable();
  readonly #manager: CallManager;
  readonly #open: (connection: CallPeer, handlers: HandlerTable) => PeerRpc;
  #isClosed = false;

  /** @param open returns the calls of a connection, which serve these handlers too */
  constructor(manager: CallManager, open: (connection: CallPeer, handlers: HandlerTable) => PeerRpc) {
    this.#manager = manager;
    this.#open = open;
    manager.on("connection", (connection) => void this.#join(connection));
    for (const connection of manager.connections.values()) this.#join(connection);
  }

  get stats(): RpcStats {
    const sum = { calls: 0, handling: 0, unreadBytes: 0, droppedFrames: 0, droppedMessages: 0 };
    for (const { stats } of this.#layers()) {
      for (const key of Object.keys(sum) as (keyof RpcStats)[]) sum[key] += stats[key];
    }
    return sum;
  }

  remote<C extends Contract>(): Remote<C> {
    throw new TypeError("remote: a manager has many clients; call one by `rpc(connection).remote(contract)`");
  }

  async close(options?: { readonly timeoutMs?: number }): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#layers().map((layer) => layer.close(options)));
  }

  #join(connection: CallPeer): PeerRpc {
    const layer = this.#open(connection, this.handlers);
    // Its calls are answered with `ipc.closing`, until the manager closes its listeners.
    if (this.#isClosed) void layer.close({ timeoutMs: 0 });
    return layer;
  }

  #layers(): PeerRpc[] {
    return [...this.#manager.connections.values()].map((connection) => this.#open(connection, this.handlers));
  }
}
