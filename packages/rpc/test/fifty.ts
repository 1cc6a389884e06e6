import type { ClientOptions } from "@ipc/client";
import type { ManagerOptions } from "@ipc/manager";
import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { method, stream } from "../src/contract/method.js";
import { rpc, serve } from "../src/layer/rpc.js";
import type { CallPeer } from "../src/link/call-peer.js";
import type { AnyCall } from "../src/serve/handler-types.js";
import { bothSides, rejection } from "./both-sides.js";

export const CLIENTS = 50;

/** What a handler does: it gives so many items and goes on until its signal fires, or it fails, or ends with another text at once. */
export type Ask = number | "fail" | "return 1n" | "end" | string;

export const contract = {
  unary: method<Ask, string, { DENIED: { reason: string } }>(),
  stream: stream<Ask, number, string>(),
  upload: stream<Ask, never, unknown, string>(),
};

export interface Log {
  begun: number;
  /** Generators that have ended. */
  returned: number;
  /** The codes of the reasons of the signals. */
  reasons: string[];
}

/** Handlers that go on until their signals fire, or until they are all answered. */
function lasting(log: Log, answered: Promise<string>) {
  const act = async (ask: Ask, call: AnyCall): Promise<string> => {
    log.begun++;
    if (ask === "fail") call.fail("DENIED", { reason: "asked for it" });
    if (ask === "return 1n") return 1n as never;
    if (typeof ask === "string") return "done";
    const { signal } = call;
    const aborted = new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => {
        log.reasons.push((signal.reason as { code: string }).code);
        resolve("late");
      });
    });
    return Promise.race([answered, aborted]);
  };
  return {
    unary: act,
    async *stream(ask: Ask, call: AnyCall) {
      const result = act(ask, call);
      result.catch(() => {});
      try {
        for (let at = 0; at < (typeof ask === "number" ? ask : 2); at++) yield at;
        return await result;
      } finally {
        log.returned++;
      }
    },
    upload: act,
  };
}

export type Caller = "clients" | "the manager";

/** A manager and its clients, on sockets; @param by which of them calls the other side, which serves the contract */
export async function fifty(by: Caller, options: Partial<ManagerOptions> = {}, more: Partial<ClientOptions> = {}) {
  const { manager, connect } = await bothSides({ encryption: false, ...options });
  const log: Log = { begun: 0, returned: 0, reasons: [] };
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => connect({ encryption: false, retry: false, ...more })),
  );
  await eventually(() => expect(manager.connections.size).toBe(CLIENTS));
  const connections = [...manager.connections.values()];
  for (const peer of [...clients, ...connections]) rpc(peer, { logger: { error() {} } });
  const callers: readonly CallPeer[] = by === "clients" ? clients : connections;
  const serving: readonly CallPeer[] = by === "clients" ? connections : clients;
  let answer: (value: string) => void = () => {};
  const handlers = lasting(log, new Promise((resolve) => (answer = resolve)));
  for (const peer of serving) serve(peer, contract, handlers);

  const make = (kind: "unary" | "stream", options: object = {}, ask: Ask = 3): Promise<unknown>[] =>
    callers.map((peer) => rejection(rpc(peer).remote(contract)[kind](ask, options)));
  const allBegin = (): Promise<void> => eventually(() => expect(log.begun).toBe(CLIENTS));
  /** No call, handler, generator or item is left. */
  const expectNothingLeft = async (generators: number): Promise<void> => {
    await eventually(() => expect(log.returned).toBe(generators));
    for (const peer of [...clients, ...connections]) {
      await eventually(() => expect(rpc(peer).stats).toMatchObject({ calls: 0, handling: 0, unreadBytes: 0 }));
    }
    Object.assign(log, { begun: 0, returned: 0, reasons: [] });
  };
  return { manager, clients, connections, callers, serving, handlers, log, answer, make, allBegin, expectNothingLeft };
}
