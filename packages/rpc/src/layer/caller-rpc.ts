import { type RemoteCall, remoteBy, untypedRemote } from "../calls/remote.js";
import type { Remote } from "../calls/remote-types.js";
import type { Contract } from "../contract/method.js";
import type { Rpc, RpcStats } from "../serve/handler-types.js";

export interface CallerRpcOptions {
  /** The calls over the peer. */
  readonly rpc: Rpc;
  /** Returns the methods of the other side. @throws TypeError */
  readonly remoteOf: (contract: Contract) => object;
  readonly call: RemoteCall;
}

/** The calls that a handler makes to its caller: they inherit its deadline, and reach no other side that has come since. */
export class CallerRpc implements Rpc {
  readonly #options: CallerRpcOptions;

  constructor(options: CallerRpcOptions) {
    this.#options = options;
  }

  get stats(): RpcStats {
    return this.#options.rpc.stats;
  }

  remote<C extends Contract>(contract?: C): Remote<C> {
    const { remoteOf, call } = this.#options;
    const remote = contract === undefined ? untypedRemote(call) : remoteBy(remoteOf(contract), call);
    return remote as Remote<C>;
  }

  close(options?: { readonly timeoutMs?: number }): Promise<void> {
    return this.#options.rpc.close(options);
  }
}
