import { describe, expect, test } from "vitest";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import { FLAG, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

/** A promise that the test resolves. */
class Gate {
  open!: () => void;
  readonly passed: Promise<void> = new Promise((resolve) => {
    this.open = resolve;
  });
}

function slowSchema({ passed }: Gate): StandardSchema<unknown> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        await passed;
        return { value };
      },
    },
  };
}

const call = (server: ReturnType<typeof fakePair>["server"], flags = 0): void =>
  server.receive({ kind: KIND.call, flags, id: 1, name: Buffer.from("run") });

/** Each way for a server to wait before it calls a handler, which adds to `begun`. */
const SLOW: readonly [
  what: string,
  serveIt: (pair: ReturnType<typeof fakePair>, gate: Gate, begun: string[]) => void,
][] = [
  [
    "`context`",
    ({ server }, { passed }, begun) => {
      const use = [
        async (_call: unknown, next: () => Promise<unknown>) => {
          begun.push("middleware");
          return next();
        },
      ];
      serve(server, { run: method() }, { context: () => passed, use }, { run: () => begun.push("handler") });
    },
  ],
  [
    "an input schema",
    ({ server }, gate, begun) =>
      serve(server, { run: method({ input: slowSchema(gate) }) }, { run: () => void begun.push("handler") }),
  ],
  [
    "middleware",
    ({ server }, { passed }, begun) => {
      const use = [
        async (_call: unknown, next: () => Promise<unknown>) => {
          await passed;
          return next();
        },
      ];
      serve(server, { run: method() }, { use }, { run: () => begun.push("handler") });
    },
  ],
  [
    "`context`, of a generator,",
    ({ server }, { passed }, begun) =>
      serve(
        server,
        { run: stream() },
        { context: () => passed },
        {
          async *run() {
            begun.push("handler");
            yield 1;
          },
        },
      ),
  ],
];

describe.each(SLOW)("a call cancelled during %s", (_what, serveIt) => {
  test("never starts its handler, and is answered once", async () => {
    const pair = fakePair();
    const gate = new Gate();
    const begun: string[] = [];
    const log: string[] = [];
    rpc(pair.server, { logger: { error: (text) => log.push(text) } });
    serveIt(pair, gate, begun);
    call(pair.server);
    pair.server.receive({ kind: KIND.cancel, id: 1 });
    gate.open();
    await settle(pair);
    expect(begun).toEqual([]);
    expect(log).toEqual([]);
    expect(pair.server.sent.map(({ name }) => name)).toEqual(["ipc.cancelled"]);
    expect(rpc(pair.server).stats.handling).toBe(0);
  });
});

describe("a one-way call", () => {
  test("starts its handler after its caller has gone, because no caller waits for it", async () => {
    const pair = fakePair();
    const gate = new Gate();
    const begun: string[] = [];
    serve(pair.server, { run: method() }, { context: () => gate.passed }, { run: () => begun.push("handler") });
    call(pair.server, FLAG.oneWay);
    pair.server.lose("Disconnected");
    gate.open();
    await settle(pair);
    expect(begun).toEqual(["handler"]);
  });

  test("sees by its signal that the connection was lost", async () => {
    const pair = fakePair();
    const reasons: unknown[] = [];
    serve(
      pair.server,
      { run: method() },
      {
        run: (_, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener("abort", () => {
              reasons.push(signal.reason);
              resolve(1);
            }),
          ),
      },
    );
    call(pair.server, FLAG.oneWay);
    await settle(pair);
    pair.server.lose("Disconnected");
    await settle(pair);
    expect(reasons).toEqual([expect.objectContaining({ code: "IPC_CALL_LOST" })]);
    expect(rpc(pair.server).stats.handling).toBe(0);
  });

  test("is dropped and counted when its method gives items, because no reader waits for them", async () => {
    const pair = fakePair();
    const begun: string[] = [];
    serve(
      pair.server,
      { run: stream() },
      {
        async *run() {
          begun.push("handler");
          yield 1;
        },
      },
    );
    call(pair.server, FLAG.oneWay);
    await settle(pair);
    expect(begun).toEqual([]);
    expect(rpc(pair.server).stats).toMatchObject({ handling: 0, droppedFrames: 1 });
    expect(pair.server.sent).toEqual([]);
  });
});

describe("an answer that the peer rejects as too large", () => {
  test.each([
    ["is replaced over the same connection", false, ["", "ipc.internal"]],
    ["is not replaced over the next one, where its id belongs to another call", true, [""]],
  ])("%s", async (_what, hasEnded, answers) => {
    const pair = fakePair();
    rpc(pair.server, { logger: { error() {} } });
    serve(pair.server, { run: method() }, { run: () => "long" });
    const write = pair.server.write.bind(pair.server);
    let refuse = (_error: unknown): void => {};
    pair.server.write = (type, data) => {
      void write(type, data);
      pair.server.write = write;
      return new Promise((_resolve, reject) => {
        refuse = reject;
      });
    };
    call(pair.server);
    await settle(pair);
    if (hasEnded) {
      pair.server.lose("Disconnected");
      pair.server.reconnect();
    }
    refuse(Object.assign(new Error("too long"), { code: "IPC_MESSAGE_TOO_LARGE" }));
    await settle(pair);
    expect(pair.server.sent.map(({ name }) => name)).toEqual(answers);
  });
});

test("drops and counts a call from an earlier connection, because its client may have proved another identity", async () => {
  const pair = fakePair();
  const begun: string[] = [];
  serve(pair.server, { run: method() }, { run: () => begun.push("handler") });
  // The next client is there, but its status has not been delivered yet.
  pair.server.stats.reconnects++;
  call(pair.server);
  await settle(pair);
  expect(begun).toEqual([]);
  expect(pair.server.sent).toEqual([]);
  expect(rpc(pair.server).stats).toMatchObject({ handling: 0, droppedFrames: 1 });
});
