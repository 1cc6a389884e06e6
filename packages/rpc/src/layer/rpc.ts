import type { Contract } from "../contract/method.js";
import { formatValue } from "../format-value.js";
import { assertPeer, type CallManager, type CallPeer, idOf, isManager } from "../link/call-peer.js";
import { HandlerTable, resolveMethods } from "../serve/handler-table.js";
import type { Handlers, Rpc, ServeOptions } from "../serve/handler-types.js";
import { ManagerRpc } from "./manager-rpc.js";
import { PeerRpc } from "./peer-rpc.js";
import { type ResolvedRpcOptions, type RpcOptions, resolveRpcOptions } from "./rpc-options.js";

const layers = new WeakMap<object, PeerRpc | ManagerRpc>();
/** Those of managers. */
const managers = new Set<WeakRef<ManagerRpc>>();

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
  const [options, handlers] = rest.length < 2 ? [{}, rest[0]] : rest;
  // Before the peer's messages get their consumer, because it keeps them.
  const methods = resolveMethods(contract, options, handlers);
  layerOf(peer, undefined).handlers.add(methods);
}

function layerOf(peer: CallPeer | CallManager, options: RpcOptions | undefined): PeerRpc | ManagerRpc {
  const known = layers.get(peer) ?? (isManager(peer) ? undefined : managerOf(peer)?.join(peer));
  if (known !== undefined) {
    if (options === undefined) return known;
    throw new TypeError(
      `rpc: takes options with the first call for a peer only, those of a manager for its connections too, got ${formatValue(options)}`,
    );
  }
  const resolved = resolveRpcOptions(options ?? {});
  return isManager(peer) ? createManagerRpc(peer, resolved) : createPeerRpc(peer, resolved);
}

function createPeerRpc(peer: CallPeer, options: ResolvedRpcOptions): PeerRpc {
  const layer = new PeerRpc(peer, options, new HandlerTable());
  layers.set(peer, layer);
  return layer;
}

/** @throws TypeError */
function createManagerRpc(manager: CallManager, options: ResolvedRpcOptions): ManagerRpc {
  if (options.side !== undefined) {
    throw new TypeError("rpc: `side` is for a session; a manager is the server of its connections");
  }
  const layer = new ManagerRpc(manager, (connection) => {
    const earlier = layers.get(connection);
    return earlier instanceof PeerRpc ? earlier : createPeerRpc(connection, options);
  });
  layers.set(manager, layer);
  managers.add(new WeakRef(layer));
  return layer;
}

/** Returns the calls of a connection's manager. A listener may use the connection before the one of the manager's calls does. */
function managerOf(peer: CallPeer): ManagerRpc | undefined {
  const id = idOf(peer);
  if (id === undefined) return undefined;
  for (const reference of managers) {
    const layer = reference.deref();
    if (layer === undefined) managers.delete(reference);
    else if (layer.has(id, peer)) return layer;
  }
  return undefined;
}
