import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import { FLAG, type FrameParts, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = { unary: method<number, number>(), stream: stream<number, number, number, number>() };

type Step =
  | { readonly do: "call"; readonly id: number; readonly name: string; readonly deadlineMs: number }
  | { readonly do: "item" | "end" | "credit" | "cancel"; readonly id: number }
  | { readonly do: "finish" | "throw"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number };

/** Few ids, so that each is used again and again, and as often too early. */
const id = fc.constantFrom(1, 3, 0xffff_ffff);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("call" as const),
        id,
        name: fc.constantFrom("unary", "stream", "stream", "none"),
        deadlineMs: fc.constantFrom(0, 0, 10),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("item", "end", "credit", "cancel"), id }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("finish", "throw"), which: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12 }) }) },
  ),
  { maxLength: 50 },
);

function frameOf(step: Extract<Step, { readonly id: number }>): FrameParts {
  if (step.do !== "call") return { kind: KIND[step.do], id: step.id, number: 100_000, payload: "1" };
  const flags = step.name === "stream" ? FLAG.items : 0;
  return { kind: KIND.call, id: step.id, flags, number: step.deadlineMs, name: Buffer.from(step.name), payload: "1" };
}

test("answers each call once when ids are reused, and does not answer a call with an id in use", async () => {
  const advance = stopClock();
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const pair = fakePair();
      const { server } = pair;
      const handlers: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
      const wait = (): Promise<number> => new Promise((resolve, reject) => handlers.push({ resolve, reject }));
      rpc(server, { logger: { error() {} } });
      serve(server, contract, {
        unary: wait,
        async *stream(count, { items }) {
          for (let at = 0; at < count * 300; at++) yield at;
          for await (const item of items) yield item;
          return await wait();
        },
      });
      const open = new Set<number>();
      let seen = 0;
      let tooEarly = 0;
      const takeAnswers = async (): Promise<void> => {
        await settle(pair);
        for (const { kind, id } of server.sent.slice(seen)) {
          if (kind >= KIND.result) expect(open.delete(id)).toBe(true);
        }
        seen = server.sent.length;
      };
      for (const step of plan) {
        if (step.do === "pass") await pass(advance, step.ms);
        else if ("which" in step) {
          const [handler] = handlers.splice(step.which % (handlers.length + 1), 1);
          if (step.do === "finish") handler?.resolve(1);
          else handler?.reject(new Error("thrown"));
        } else {
          if (step.do === "call" && open.has(step.id)) tooEarly++;
          else if (step.do === "call") open.add(step.id);
          server.receive(frameOf(step));
        }
        await takeAnswers();
      }
      expect(rpc(server).stats.droppedFrames).toBe(tooEarly);
      for (const id of open) server.receive({ kind: KIND.cancel, id });
      for (let round = 0; round < 2; round++) {
        for (const { resolve } of handlers.splice(0)) resolve(2);
        await takeAnswers();
      }
      expect([...open]).toEqual([]);
      expect(rpc(server).stats).toMatchObject({ handling: 0, unreadBytes: 0 });
      server.destroy();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 100 },
  );
});
