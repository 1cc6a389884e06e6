import type { Peer } from "@ipc/session";
import { FURTHER_PEER_CALLS, PEER_CALLS, PEER_INNER, STEADY_PEER_CALLS, UNIFORM_PEER_CELLS } from "./peer-calls.js";
import { describeStates, type StateTable } from "./state-table.js";

/** Those of all peers are among the calls; what a class adds to them changes nothing. */
type PeerTable<P extends Peer> = Pick<StateTable<P>, "states" | "calls" | "cells">;

/** Holds a class of peers, none of them with encryption, to its table. What is the same for all peers has no row in its cells. */
export function describePeerStates<P extends Peer>(kind: string, table: PeerTable<P>): void {
  const own = Object.keys(table.calls).filter((call) => !(call in PEER_CALLS));
  describeStates<P>(kind, {
    ...table,
    further: FURTHER_PEER_CALLS,
    steady: [...STEADY_PEER_CALLS, ...own],
    inner: PEER_INNER,
    uniform: UNIFORM_PEER_CELLS,
  });
}
