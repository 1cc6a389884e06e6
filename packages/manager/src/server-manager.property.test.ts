import type { DataMessage } from "@ipc/session";
import { type Arbitrary, array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { expect, it } from "vitest";
import { nextTurn, type Served, serve, type Visit } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";

const ACTIONS = [
  "come",
  "come",
  "go",
  "write",
  "write",
  "write",
  "pause",
  "resume",
  "iterate",
  "iterate",
  "read",
  "listen",
  "once",
  "pass",
] as const;

interface Step {
  readonly action: (typeof ACTIONS)[number];
  /** The index of a client, a number of bytes, a number of repetitions. */
  readonly client: number;
  readonly bytes: number;
  readonly count: number;
}

const step: Arbitrary<Step> = record({
  action: constantFrom(...ACTIONS),
  client: integer({ min: 0, max: 9 }),
  bytes: integer({ min: 0, max: 2_000 }),
  count: integer({ min: 1, max: 10 }),
});

/** Clients that come, write and go, and a reader that reads now this way and now that. */
class World {
  readonly #served: Served;
  /** Whether no client disconnects before everything has been read. */
  readonly #patient: boolean;
  readonly #present: Visit[] = [];
  readonly #sent = new Map<ServerConnection, number>();
  readonly #got = new Map<ServerConnection, number[]>();
  readonly #closing: Promise<void>[] = [];

  constructor(served: Served, patient: boolean) {
    this.#served = served;
    this.#patient = patient;
  }

  async do({ action, client, bytes, count }: Step): Promise<void> {
    const { manager, visit } = this.#served;
    const chosen = this.#present[client % Math.max(1, this.#present.length)];
    switch (action) {
      case "come": {
        const visitor = await visit({ maxQueuedBytes: 1_000_000 });
        this.#present.push(visitor);
        this.#sent.set(visitor.connection, 0);
        this.#got.set(visitor.connection, []);
        return;
      }
      case "go":
        if (chosen !== undefined && !this.#patient) this.#leave(chosen);
        return;
      case "write":
        for (let index = 0; index < count; index++) if (chosen !== undefined) this.#write(chosen, bytes);
        return;
      case "pause":
        chosen?.connection.pause();
        return;
      case "resume":
        chosen?.connection.resume();
        return;
      case "iterate":
        return this.#iterate(count);
      case "read":
        for (let index = 0; index < count; index++) {
          await manager.readTimedFastest(0, (connection, message) => {
            if (message.kind === "data") this.#take(connection, message);
          });
        }
        return;
      case "listen":
        manager.on("message", this.#take);
        await pass(count);
        manager.off("message", this.#take);
        return;
      case "once":
        manager.once("message", this.#take);
        await pass(count);
        manager.off("message", this.#take);
        return;
      case "pass":
        return pass(count);
    }
  }

  /** All clients disconnect, and everything is read. */
  async end(): Promise<void> {
    for (const connection of this.#sent.keys()) connection.resume();
    if (!this.#patient) this.#leaveAll();
    let missing = 0;
    for (const [connection, sent] of this.#sent) missing += sent - (this.#got.get(connection)?.length ?? 0);
    if (missing > 0) {
      for await (const { connection, message } of this.#served.manager) {
        this.#take(connection, message);
        missing--;
        if (missing === 0) break;
      }
    }
    this.#leaveAll();
    await Promise.all(this.#closing);
    for (const [connection, sent] of this.#sent) {
      expect(this.#got.get(connection)).toEqual(Array.from({ length: sent }, (_, index) => index));
    }
    await pass(10);
    for (let count = 0; count < 5; count++)
      await this.#served.manager.readTimed(0, (_, { kind }) => expect(kind).not.toBe("data"));
    expect(this.#served.manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
    this.#served.manager.destroy();
  }

  async #iterate(count: number): Promise<void> {
    const iterator = this.#served.manager[Symbol.asyncIterator]();
    const nexts = Array.from({ length: count }, async () => {
      const { value } = await iterator.next();
      if (value !== undefined) this.#take(value.connection, value.message);
    });
    await pass(count);
    await iterator.return?.();
    await Promise.all(nexts);
  }

  readonly #take = (connection: ServerConnection, message: DataMessage): void => {
    this.#got.get(connection)?.push(Number.parseInt(message.text(), 10));
  };

  #write({ client, connection }: Visit, bytes: number): void {
    const index = this.#sent.get(connection) as number;
    this.#sent.set(connection, index + 1);
    void client.write(1, `${index} `.padEnd(bytes));
  }

  #leaveAll(): void {
    for (const visit of [...this.#present]) this.#leave(visit);
  }

  #leave(visit: Visit): void {
    this.#present.splice(this.#present.indexOf(visit), 1);
    this.#closing.push(visit.client.close({ timeoutMs: 2_000_000_000 }));
  }
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

it("gives each message once and in order while clients connect, write, disconnect and are paused", async () => {
  await assert(
    asyncProperty(
      array(step, { minLength: 20, maxLength: 80 }),
      constantFrom(1_024, 4_096, 100_000),
      constantFrom(3_000, 20_000, 1_000_000),
      async (steps, maxUnreadBytes, maxTotalUnreadBytes) => {
        // When the total budget is used up, a client that disconnects may lose its messages, and is reported lost.
        const isTight = maxTotalUnreadBytes < 1_000_000;
        const world = new World(await serve({ encryption: false, maxUnreadBytes, maxTotalUnreadBytes }), isTight);
        // The manager has had a reader, so messages of gone clients wait for it.
        await world.do({ action: "read", client: 0, bytes: 0, count: 1 });
        for (const each of steps) await world.do(each);
        await world.end();
      },
    ),
    { numRuns: 100 },
  );
});
