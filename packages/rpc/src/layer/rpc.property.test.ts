import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { type Step, World } from "../../test/world.js";
import { rpc } from "./rpc.js";

const which = <Do extends string>(...all: Do[]) => fc.record({ do: fc.constantFrom(...all), which: fc.nat(20) });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("call" as const),
        by: fc.constantFrom("client" as const, "server" as const),
        what: fc.constantFrom("unary" as const, "once" as const, "stream" as const),
        timeoutMs: fc.constantFrom(0, 0, 5, 20),
      }),
    },
    { weight: 4, arbitrary: which("deliver") },
    { weight: 6, arbitrary: which("read", "leave", "abort", "finish", "finish", "throw") },
    { weight: 2, arbitrary: which("cut", "resume") },
    { weight: 2, arbitrary: which("hold", "accept", "accept") },
    { weight: 1, arbitrary: which("fill") },
    { weight: 2, arbitrary: which("drain") },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: which("close") },
  ),
  { maxLength: 60 },
);

test("settles every call with the value of its own handler, answers it at most once, and leaves nothing behind", async () => {
  const advance = stopClock();
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (plan, isResumable) => {
      const world = new World(advance, isResumable);
      for (const step of plan) await world.run(step);
      await world.end();

      for (const [input, call] of world.made.entries()) {
        const { outcome } = call;
        expect(outcome).toBeDefined();
        if (outcome?.executed === "no" || outcome?.executed === "yes") {
          expect(world.begun.has(input)).toBe(outcome.executed === "yes");
        }
        if (outcome?.value !== undefined) expect(outcome.value).toBe(input);
        call.expectReads();
        world.facts.expectTold(input, call, isResumable);
      }
      expect({ generators: world.generators, uploads: world.uploads }).toEqual({ generators: 0, uploads: 0 });
      for (const peer of world.retired) {
        const { calls, handling, unreadBytes, droppedFrames, droppedMessages } = rpc(peer).stats;
        expect([calls, handling, unreadBytes, droppedFrames, droppedMessages]).toEqual([0, 0, 0, 0, 0]);
        peer.emit("close");
        peer.removeAllListeners("draining");
        expect(peer.eventNames()).toEqual([]);
      }
      for (const { abort } of world.made) expect(getEventListeners(abort.signal, "abort")).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 200 },
  );
});
