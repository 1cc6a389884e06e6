import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { answer } from "../../test/answer.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import type { CallEvent } from "../tracing.js";
import { rpc, serve } from "./rpc.js";

describe("the tracing channels", () => {
  const contract = { get: method<number, number>(), watch: stream<number, number, string>() };

  function record(channel: string, at: (event: CallEvent) => void = () => {}): string[] {
    const log: string[] = [];
    for (const part of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
      const listener = (message: unknown): void => {
        const event = message as CallEvent;
        if (part === "start") at(event);
        log.push(`${part} ${event.method} ${event.outcome ?? ""}`.trim());
      };
      subscribe(`tracing:ipc.${channel}:${part}`, listener);
      onTestFinished(() => void unsubscribe(`tracing:ipc.${channel}:${part}`, listener));
    }
    return log;
  }

  function scene(): { pair: ReturnType<typeof fakePair>; metas: unknown[] } {
    const pair = fakePair();
    const metas: unknown[] = [];
    rpc(pair.server, { logger: { error() {} } });
    serve(pair.server, contract, {
      get: (value, call) => {
        metas.push({ ...call.meta });
        if (value < 0) throw new Error("negative");
        return value;
      },
      async *watch(count) {
        for (let at = 0; at < count; at++) yield at;
        return "end";
      },
    });
    return { pair, metas };
  }

  test("say how a call began and ended, and a subscriber may add to its meta", async () => {
    const events: CallEvent[] = [];
    const calls = record("call", (event) => {
      event.meta["traceparent"] = "00-1";
      events.push(event);
    });
    const handles = record("handle");
    const { pair, metas } = scene();
    const api = rpc(pair.client).remote(contract);
    await answer(pair, api.get(7, { meta: { tenant: "a" } }));
    expect(metas).toEqual([{ tenant: "a", traceparent: "00-1" }]);
    expect(calls).toEqual(["start get", "end get", "asyncStart get ok", "asyncEnd get ok"]);
    expect(handles).toEqual(["start get", "end get", "asyncStart get ok", "asyncEnd get ok"]);
    expect(events[0]).toMatchObject({ kind: "unary", id: 1, remote: "fake", executed: "yes", bytes: 2, items: 0 });
  });

  test("say why a call failed, and count the items of a stream", async () => {
    const events: CallEvent[] = [];
    const calls = record("call", (event) => void events.push(event));
    const handles = record("handle");
    const { pair } = scene();
    const api = rpc(pair.client).remote(contract);
    await answer(pair, rejection(api.get(-1)));
    await answer(pair, api.watch(5));
    expect(calls).toContain("error get ipc.internal");
    expect(handles).toContain("error get ipc.internal");
    expect(events[0]).toMatchObject({ outcome: "ipc.internal", executed: "yes" });
    expect(events[1]).toMatchObject({ kind: "stream", outcome: "ok", items: 5, bytes: 1 + 5 + 5 });
  });
});
