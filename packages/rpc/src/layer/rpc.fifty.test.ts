import { setMaxListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { bothSides, rejection } from "../../test/both-sides.js";
import { method, stream } from "../contract/method.js";
import type { CallPeer } from "../link/call-peer.js";
import type { AnyCall } from "../serve/handler-types.js";
import { rpc, serve } from "./rpc.js";

const CLIENTS = 50;

const contract = {
  unary: method<number, string>(),
  stream: stream<number, number, string>(),
};

type Kind = keyof typeof contract;

/** Handlers that go on until their signals fire, and what those said. */
function lasting(log: { begun: number; returned: number; reasons: string[] }) {
  const untilAborted = ({ signal }: AnyCall): Promise<string> => {
    log.begun++;
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        log.reasons.push((signal.reason as { code: string }).code);
        resolve("late");
      });
    });
  };
  return {
    unary: (_: number, call: AnyCall) => untilAborted(call),
    async *stream(count: number, call: AnyCall) {
      const aborted = untilAborted(call);
      try {
        for (let at = 0; at < count; at++) yield at;
        return await aborted;
      } finally {
        log.returned++;
      }
    },
  };
}

describe.each([
  ["clients", "unary"],
  ["clients", "stream"],
  ["the manager", "unary"],
  ["the manager", "stream"],
] as const)("calls of %s, %s, over 50 sockets", (by, kind: Kind) => {
  async function scene() {
    const { manager, connect } = await bothSides({ encryption: false });
    const log = { begun: 0, returned: 0, reasons: [] as string[] };
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => connect({ encryption: false, retry: false })),
    );
    await eventually(() => expect(manager.connections.size).toBe(CLIENTS));
    const connections = [...manager.connections.values()];
    if (by === "clients") serve(manager, contract, lasting(log));
    else for (const client of clients) serve(client, contract, lasting(log));
    const callers: readonly CallPeer[] = by === "clients" ? clients : connections;
    const make = (options: object = {}): Promise<unknown>[] =>
      callers.map((peer) => rejection(rpc(peer).remote(contract)[kind](3, options)));
    /** Every call is rejected with a code, and every handler learns a reason and ends. */
    const expectAll = async (made: readonly Promise<unknown>[], code: string, reason: string): Promise<void> => {
      for (const error of await Promise.all(made)) expect(error).toMatchObject({ code, executed: "maybe" });
      await eventually(() => expect(log.reasons).toEqual(made.map(() => reason)));
      await eventually(() => expect(log.returned).toBe(kind === "stream" ? made.length : 0));
      for (const peer of [...clients, ...connections]) {
        await eventually(() => expect(rpc(peer).stats).toMatchObject({ calls: 0, handling: 0, unreadBytes: 0 }));
      }
      Object.assign(log, { begun: 0, returned: 0, reasons: [] });
    };
    const allBegin = () => eventually(() => expect(log.begun).toBe(CLIENTS));
    return { clients, connections, make, expectAll, allBegin };
  }

  test("end by signal, deadline or a cut connection, and each handler learns which", async () => {
    const { connections, make, expectAll, allBegin } = await scene();
    const abort = new AbortController();
    setMaxListeners(CLIENTS, abort.signal);
    const aborted = make({ signal: abort.signal });
    await allBegin();
    abort.abort();
    await expectAll(aborted, "IPC_ABORTED", "IPC_ABORTED");

    await expectAll(make({ timeoutMs: 100 }), "IPC_TIMED_OUT", "IPC_TIMED_OUT");

    const cut = make();
    await allBegin();
    for (const connection of connections) connection.destroy();
    // The side that destroys its connection is closed; the other one has lost it.
    const codes = by === "clients" ? ["IPC_CALL_LOST", "IPC_CLOSED"] : ["IPC_CLOSED", "IPC_CALL_LOST"];
    await expectAll(cut, codes[0] as string, codes[1] as string);
  });

  test("end when the calling side closes", async () => {
    const { clients, connections, make, expectAll, allBegin } = await scene();
    const made = make();
    await allBegin();
    for (const peer of by === "clients" ? clients : connections) void peer.close();
    await expectAll(made, "IPC_CLOSED", "IPC_CALL_LOST");
  });
});
