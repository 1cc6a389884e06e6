import type { Contract } from "../contract/method.js";
import { formatValue } from "../format-value.js";
import { assertPeer, type CallManager, type CallPeer, isManager } from "../link/call-peer.js";
import { HandlerTable } from "../serve/handler-table.js";
import type { Handlers, Rpc, ServeOptions } from "../serve/handler-types.js";
import { ManagerRpc } from "./manager-rpc.js";
import { PeerRpc } from "./peer-rpc.js";
import { type RpcOptions, resolveRpcOptions } from "./rpc-options.js";

const layers = new WeakMap<object, PeerRpc | ManagerRpc>();

/**
 * Returns the calls over a peer, the same object each time. It becomes the one consumer of the peer's messages. A manager stands for
 * its connections: it serves, and each connection calls.
 * @param options only with the first call for a peer
 * @throws TypeError, RangeError; the peer's IPC_CONSUMER_TAKEN
 */
export function rpc(peer: CallPeer | CallManager, options?: RpcOptions): Rpc {
  assertPeer("rpc", peer);
  return layerOf(peer, options);
}

/**
 * Serves the methods of a contract: on a manager to all its clients, on another peer to its other side. Several contracts can be
 * served over one peer.
 * @throws TypeError that names the method
 */
export function serve<C extends Contract>(
  peer: CallPeer | CallManager,
  contract: C,
  handlers: Handlers<C, undefined>,
): void;
export function serve<C extends Contract, Context = undefined>(
  peer: CallPeer | CallManager,
  contract: C,
  options: ServeOptions<Context>,
  handlers: Handlers<C, Context>,
): void;
export function serve(
  peer: CallPeer | CallManager,
  contract: Contract,
  ...rest: readonly [handlers: unknown] | readonly [options: unknown, handlers: unknown]
): void {
  assertPeer("serve", peer);
  const [options, handlers] = rest.length === 1 ? [{}, rest[0]] : rest;
  layerOf(peer, undefined).handlers.add(contract, options, handlers);
}

function layerOf(peer: CallPeer | CallManager, options: RpcOptions | undefined): PeerRpc | ManagerRpc {
  const known = layers.get(peer);
  if (known !== undefined) {
    if (options === undefined) return known;
    throw new TypeError(`rpc: takes options with the first call for a peer only, got ${formatValue(options)}`);
  }
  const resolved = resolveRpcOptions(options ?? {});
  const layer = isManager(peer)
    ? new ManagerRpc(peer, (connection, handlers) => {
        const earlier = layers.get(connection);
        if (earlier instanceof PeerRpc) return earlier;
        const created = new PeerRpc(connection, resolved, new HandlerTable(handlers));
        layers.set(connection, created);
        return created;
      })
    : new PeerRpc(peer, resolved, new HandlerTable());
  layers.set(peer, layer);
  return layer;
}
