import type { Remote } from "../calls/remote-types.js";
import type { Contract } from "../contract/method.js";
import type { CallManager, CallPeer } from "../link/call-peer.js";
import { HandlerTable } from "../serve/handler-table.js";
import type { Rpc, RpcStats } from "../serve/handler-types.js";
import type { PeerRpc } from "./peer-rpc.js";
import { closeTimeoutOf } from "./rpc-options.js";

/** The calls over all connections of a manager. */
export class ManagerRpc implements Rpc {
  readonly handlers: HandlerTable = new HandlerTable();
  readonly #manager: CallManager;
  readonly #open: (connection: CallPeer) => PeerRpc;
  #isClosed = false;

  /** @param open returns the calls of a connection, made with the options of the manager's if there are none */
  constructor(manager: CallManager, open: (connection: CallPeer) => PeerRpc) {
    this.#manager = manager;
    this.#open = open;
    manager.on("connection", (connection) => void this.join(connection));
    for (const connection of manager.connections.values()) this.join(connection);
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
    const timeoutMs = closeTimeoutOf(options);
    this.#isClosed = true;
    await Promise.all(this.#layers().map((layer) => layer.close({ timeoutMs })));
  }

  has(id: number, connection: CallPeer): boolean {
    return this.#manager.connections.get(id) === connection;
  }

  /** Returns the calls of a connection, which serve the handlers of the manager too. */
  join(connection: CallPeer): PeerRpc {
    const layer = this.#open(connection);
    layer.handlers.adopt(this.handlers);
    // Its calls are answered with `ipc.closing`, until the manager closes its listeners.
    if (this.#isClosed) void layer.close({ timeoutMs: 0 });
    return layer;
  }

  #layers(): PeerRpc[] {
    return [...this.#manager.connections.values()].map((connection) => this.#open(connection));
  }
}
