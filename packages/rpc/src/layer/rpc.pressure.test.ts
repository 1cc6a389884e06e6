import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startClient } from "@ipc/client";
import { describe, expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { bothSides, rejection } from "../../test/both-sides.js";
import { method, stream } from "../contract/method.js";
import { MESSAGE_TYPE } from "../limits.js";
import { encodeFrame, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const STREAMS = 1_000;
const WAIT = Buffer.from("wait");
/** Far more than the kernel holds. */
const LARGE = "x".repeat(200_000);

const contract = {
  count: stream<number, number>(),
  echo: method<string, string>(),
  give: method<number, string>(),
  wait: method<void, void>(),
};

const handlers = {
  async *count(limit: number) {
    for (let at = 0; at < limit; at++) yield at;
  },
  echo: (value: string) => value,
  give: (length: number) => "x".repeat(length),
  wait: () => new Promise<void>(() => {}),
};

describe("a connection over one socket", () => {
  test("holds back the producers of 1 000 stalled streams, and delays no call", async () => {
    const { manager, connect } = await bothSides();
    let pulled = 0;
    serve(manager, contract, {
      ...handlers,
      async *count(limit) {
        for (let at = 0; at < limit; at++) {
          pulled++;
          yield at;
        }
      },
    });
    const client = await connect();
    const api = rpc(client).remote(contract);
    const streams = Array.from({ length: STREAMS }, () => api.count(100_000)[Symbol.asyncIterator]());
    await Promise.all(streams.map((items) => items.next()));
    const most = STREAMS * (16_384 / 64 + 1);
    await eventually(() => expect(rpc(client).stats.unreadBytes).toBeGreaterThan(STREAMS * 16_000));
    expect(rpc(client).stats.unreadBytes).toBeLessThanOrEqual(STREAMS * 16_384);
    expect(await api.echo("past them")).toBe("past them");
    expect(pulled).toBeLessThanOrEqual(most);
    for (const items of streams) await items.return?.();
    await eventually(() => expect(rpc(manager).stats).toMatchObject({ handling: 0, unreadBytes: 0 }));
    expect(rpc(client).stats).toMatchObject({ calls: 0, unreadBytes: 0 });
  });

  test("rejects a call past the write queue's limit with IPC_QUEUE_FULL, and answers those before it", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, contract, handlers);
    const client = await connect({ maxQueuedBytes: 65_536 });
    const api = rpc(client).remote(contract);
    // All in one turn of the event loop: the queue takes some of them, and nothing leaves it meanwhile.
    const made = Array.from({ length: 200 }, () =>
      api.echo(LARGE).then(
        () => "answered",
        (error: unknown) => error,
      ),
    );
    const results = await Promise.all(made);
    const refused = results.filter((result) => result !== "answered");
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: "IPC_QUEUE_FULL", executed: "no" });
    expect(results.filter((result) => result === "answered").length).toBeGreaterThan(0);
    expect(await api.echo("alive")).toBe("alive");
  });

  test("carries 100 000 calls at once, while an earlier call is answered and another client goes on", async () => {
    const { manager, connect } = await bothSides();
    let answer: (value: string) => void = () => {};
    let ended = 0;
    serve(manager, contract, {
      ...handlers,
      give: () => new Promise((resolve) => (answer = resolve)),
      wait: (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            ended++;
            resolve();
          });
        }),
    });
    const other = rpc(await connect()).remote(contract);
    const client = await connect({ retry: false });
    const api = rpc(client).remote(contract);
    const early = api.give(1);
    await eventually(() => expect(rpc(manager).stats.handling).toBe(1));
    let isOver = false;
    let isEchoedBefore: Promise<boolean> | undefined;
    for (let at = 1; at <= 100_000; at++) {
      const written = client.write(MESSAGE_TYPE, encodeFrame({ kind: KIND.call, id: 2 * at + 101, name: WAIT }));
      if (at % 1_000 === 0) await written;
      else written.catch(() => {});
      if (at === 10_000) isEchoedBefore = other.echo("meanwhile").then(() => !isOver);
    }
    isOver = true;
    expect(await isEchoedBefore).toBe(true);
    // Behind all of them on the same connection.
    expect(await rejection(api.echo("one more"))).toMatchObject({ code: "ipc.busy", executed: "no" });
    expect(rpc(manager).stats.handling).toBe(1_024);
    answer("in time");
    expect(await early).toBe("in time");
    client.destroy();
    await eventually(() => expect([ended, rpc(manager).stats.handling]).toEqual([1_023, 0]));
  });

  test("is closed when its caller reads no answers, and the other clients keep theirs", async () => {
    const { manager, connect } = await bothSides({ maxQueuedBytes: 65_536 });
    serve(manager, contract, handlers);
    const other = rpc(await connect()).remote(contract);
    const client = await connect({ retry: false });
    const api = rpc(client).remote(contract);
    client.pause();
    const made = Array.from({ length: 200 }, () => rejection(api.give(200_000)));
    await eventually(() => expect(manager.connections.size).toBe(1));
    expect(await other.echo("alive")).toBe("alive");
    client.resume();
    const codes = await Promise.allSettled(made);
    const lost = codes.filter((result) => result.status === "fulfilled");
    expect(lost.length).toBeGreaterThan(0);
    for (const { value } of lost) expect(value).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(rpc(manager).stats).toMatchObject({ handling: 0 });
  });
});

describe("a killed process", () => {
  test("makes its peer's calls reject with IPC_CALL_LOST, streams too", async () => {
    const directory = temporaryDirectory();
    const program = fileURLToPath(new URL("../../test/served-process.mjs", import.meta.url));
    const child = fork(program, [directory]);
    const exited = once(child, "exit");
    await once(child, "message");
    const client = untilTestEnds(await startClient({ name: "killed", directory, retryMs: 1_000_000 }));
    const api = rpc(client).remote(contract);
    expect(await api.echo("alive")).toBe("alive");
    const wait = rejection(api.wait());
    const items = api.count(1_000_000)[Symbol.asyncIterator]();
    await items.next();
    child.kill("SIGKILL");
    await exited;
    expect(await wait).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    const loop = (async () => {
      while ((await items.next()).done !== true);
    })();
    expect(await rejection(loop)).toMatchObject({ code: "IPC_CALL_LOST" });
    expect(rpc(client).stats).toMatchObject({ calls: 0, unreadBytes: 0 });
  });
});
