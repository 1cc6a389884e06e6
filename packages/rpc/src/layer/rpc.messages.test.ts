import { type Client, memory, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import type { DataMessage } from "@ipc/session";
import { describe, expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { fakePair } from "../../test/fake-peer.js";
import { method } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const contract = { remote: method<void, string>() };

interface Succession {
  readonly server: Server;
  /** Messages of the first client that `onMessage` has taken. */
  readonly taken: DataMessage[];
  /** Lets the first client go, connects the next one and returns it. */
  readonly next: () => Promise<Client>;
  /** The outcome of each `onMessage`, once `release` was called. */
  readonly outcomes: string[];
  readonly release: () => void;
}

/** A server whose `onMessage` does something with the first client's message only after `release`. */
async function succession(act: (message: DataMessage, server: Server) => Promise<void>): Promise<Succession> {
  const transport = memory();
  const server = untilTestEnds(await startServer({ name: "one", transport }));
  const taken: DataMessage[] = [];
  const outcomes: string[] = [];
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  rpc(server, {
    onMessage: async (message) => {
      taken.push(message);
      await released;
      try {
        await act(message, server);
        outcomes.push("sent");
      } catch (error) {
        outcomes.push((error as { code: string }).code);
        throw error;
      }
    },
  });
  const first = await startClient({ name: "one", transport });
  await first.write(2, "a secret");
  await eventually(() => expect(taken).toHaveLength(1));
  return {
    server,
    taken,
    outcomes,
    release,
    next: async () => {
      await first.close();
      await eventually(() => expect(server.status).toBe("Disconnected"));
      return untilTestEnds(await startClient({ name: "one", transport }));
    },
  };
}

test("no long message is kept to reply to its sender", async () => {
  const { server } = fakePair();
  const kept: WeakRef<DataMessage>[] = [];
  server.on("message", (message) => void kept.push(new WeakRef(message)));
  rpc(server, { onMessage() {} });
  for (const length of [10_000, 20, 20_000]) server.receive(Buffer.alloc(length));
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
  expect(kept.map((reference) => reference.deref()?.data.length)).toEqual([undefined, 20, undefined]);
});

describe("`onMessage`", () => {
  test("cannot write a reply for a client to the server's next client", async () => {
    const { outcomes, release, next } = await succession((message, server) => server.write(3, message.data));
    const second = await next();
    const received: string[] = [];
    second.on("message", (message) => received.push(message.text()));
    release();
    await eventually(() => expect(outcomes).toEqual(["IPC_CONNECTION_LOST"]));
    await second.write(2, "of the second");
    await eventually(() => expect(received).toEqual(["of the second"]));
  });

  test("does not end the process when it rejects because its client has left", async () => {
    const uncaught = keepUncaught();
    const { outcomes, release, next } = await succession((message) => message.reply(3, "late"));
    await next();
    release();
    await eventually(() => expect(outcomes).toEqual(["IPC_CONNECTION_LOST"]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([]);
  });

  test("that still runs for an earlier client delays no call of the next client, and gives it no identity", async () => {
    const { server, release, next, taken } = await succession(async () => {});
    serve(server, contract, {
      remote: (_, call) => (call.caller.security === taken[0]?.security ? "the client before" : call.caller.remote),
    });
    const second = await next();
    expect(await rpc(second).remote(contract).remote()).toBe(server.remote);
    release();
  });
});
