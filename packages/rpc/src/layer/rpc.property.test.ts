import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  unary: method<number, number>(),
  once: method<number, number>({ idempotent: true }),
  stream: stream<number, number, number, number>(),
};

type Step =
  | {
      readonly do: "call";
      readonly by: "client" | "server";
      readonly what: keyof typeof contract;
      readonly timeoutMs: number;
    }
  | {
      readonly do: "deliver" | "cut" | "read" | "leave" | "abort" | "finish" | "throw" | "close";
      readonly which: number;
    }
  | { readonly do: "pass"; readonly ms: number };

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
    {
      weight: 9,
      arbitrary: fc.record({
        do: fc.constantFrom(
          "deliver",
          "deliver",
          "deliver",
          "read",
          "leave",
          "abort",
          "finish",
          "finish",
          "throw",
          "cut",
        ),
        which: fc.nat(20),
      }) as fc.Arbitrary<Step>,
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), which: fc.nat(1) }) },
  ),
  { maxLength: 60 },
);

interface Made {
  readonly abort: AbortController;
  readonly items: AsyncIterator<number, undefined> | undefined;
  outcomes: number;
}

/** Two sides that call each other, and everything that a step may do with them. */
class World {
  readonly pair = fakePair();
  readonly made: Made[] = [];
  readonly handlers: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  generators = 0;
  uploads = 0;

  constructor() {
    for (const peer of [this.pair.client, this.pair.server]) {
      rpc(peer, { logger: { error() {} } });
      const wait = (): Promise<number> => new Promise((resolve, reject) => this.handlers.push({ resolve, reject }));
      const generator = this.#generator.bind(this);
      serve(peer, contract, { unary: wait, once: wait, stream: (count, call) => generator(count, call.items, wait) });
    }
  }

  async *#generator(
    count: number,
    items: AsyncIterable<number>,
    wait: () => Promise<number>,
  ): AsyncGenerator<number, number, undefined> {
    this.generators++;
    try {
      for (let at = 0; at < count; at++) yield at;
      for await (const item of items) yield item;
      return await wait();
    } finally {
      this.generators--;
    }
  }

  async *#upload(): AsyncGenerator<number> {
    this.uploads++;
    try {
      for (let at = 0; at < 400; at++) yield at;
    } finally {
      this.uploads--;
    }
  }

  async run(step: Step, advance: (ms: number) => void): Promise<void> {
    const { client, server } = this.pair;
    switch (step.do) {
      case "call":
        this.#call(step.by, step.what, step.timeoutMs);
        break;
      case "deliver":
        if (step.which % 2 === 0) client.deliver();
        else server.deliver();
        break;
      case "cut":
        client.lose("Reconnecting");
        server.lose("Disconnected");
        await turns();
        server.reconnect();
        client.reconnect();
        break;
      case "abort":
        this.#pick(this.made, step.which)?.abort.abort();
        break;
      case "read":
        this.#pick(this.made, step.which)
          ?.items?.next()
          .catch(() => {});
        break;
      case "leave":
        await this.#pick(this.made, step.which)?.items?.return?.();
        break;
      case "finish":
        this.handlers.splice(step.which % (this.handlers.length + 1), 1)[0]?.resolve(1);
        break;
      case "throw":
        this.handlers.splice(step.which % (this.handlers.length + 1), 1)[0]?.reject(new Error("thrown"));
        break;
      case "close":
        void rpc(step.which === 0 ? client : server).close({ timeoutMs: 10 });
        break;
      case "pass":
        advance(step.ms);
        await immediates();
    }
    await turns();
  }

  #call(by: "client" | "server", what: keyof typeof contract, timeoutMs: number): void {
    const abort = new AbortController();
    const options = { signal: abort.signal, timeoutMs };
    const api = rpc(this.pair[by]).remote(contract);
    const stream = what === "stream" ? api.stream(300, { ...options, items: this.#upload() }) : undefined;
    const made: Made = { abort, items: stream?.[Symbol.asyncIterator](), outcomes: 0 };
    const result = what === "stream" ? stream?.result : api[what](1, options);
    const note = (): void => {
      made.outcomes++;
    };
    result?.then(note, note);
    this.made.push(made);
  }

  #pick<T>(all: readonly T[], which: number): T | undefined {
    return all[which % Math.max(1, all.length)];
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn++) await null;
};
const immediates = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("every call has exactly one outcome and at most one answer, and nothing of it is left", async () => {
  const advance = stopClock();
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const world = new World();
      const { client, server } = world.pair;
      for (const step of plan) await world.run(step, advance);
      // All handlers end, all readers leave, and both sides close.
      for (let round = 0; round < 4; round++) {
        for (const { resolve } of world.handlers.splice(0)) resolve(2);
        for (const { items } of world.made) void items?.return?.();
        await settle(world.pair);
      }
      const closed = Promise.all([rpc(client).close({ timeoutMs: 50 }), rpc(server).close({ timeoutMs: 50 })]);
      advance(60);
      await immediates();
      await closed;
      for (const { resolve } of world.handlers.splice(0)) resolve(3);
      await settle(world.pair);

      expect(world.made.map(({ outcomes }) => outcomes)).toEqual(world.made.map(() => 1));
      for (const peer of [client, server]) {
        expect(rpc(peer).stats).toEqual({
          calls: 0,
          handling: 0,
          unreadBytes: 0,
          droppedFrames: 0,
          droppedMessages: 0,
        });
        const answered = new Map<number, number>();
        for (const { kind, id } of peer.sent) {
          if (kind >= KIND.result) answered.set(id, (answered.get(id) ?? 0) + 1);
        }
        const asked = (peer === client ? server : client).sent.filter(({ kind }) => kind === KIND.call);
        for (const [id, count] of answered) {
          // A repeated call may be answered once on each connection.
          expect(count).toBeLessThanOrEqual(asked.filter((call) => call.id === id).length);
        }
      }
      expect({ generators: world.generators, uploads: world.uploads }).toEqual({ generators: 0, uploads: 0 });
      for (const peer of [client, server]) {
        peer.destroy();
        peer.emit("close");
        expect(peer.eventNames()).toEqual([]);
      }
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 120 },
  );
});
