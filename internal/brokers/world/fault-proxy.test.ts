import { hash, randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { nats } from "@ipc/transport-nats";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, describeWithBroker, startBroker } from "../../../packages/transport-nats/test/with-broker.js";
import { type ConnectionPlan, FAULTS, type Shape } from "../../stress/src/network/fault-plan.js";
import { FaultProxy } from "../../stress/src/network/fault-proxy.js";
import { SeededRandom } from "../../stress/src/random.js";
import { eventually } from "../../testkit/src/eventually.js";

const SEEDS = 12;
const FAULTS_EACH = 4;
const HEARTBEAT_MS = 200;
/** nats.js notices a dead network by its own pings. */
const CONNECTION = { waitOnFirstConnect: true, reconnectTimeWait: 10, timeout: 500, pingInterval: 200, maxPingOut: 2 };
/** Writes that have not been answered, of up to so many bytes. */
const AHEAD = 20;
const MAX_BYTES = 20_000;
const security = { psk: randomBytes(32) };

function makeShape(random: SeededRandom): Shape {
  return random.pick<Shape>([
    { kind: "as they come" },
    { kind: "delay", ms: 2 },
    { kind: "split", bytes: 3, until: 2_000 },
    { kind: "coalesce", bytes: 10_000, ms: 5 },
    { kind: "pause", at: 5_000, ms: 20 },
  ]);
}

function makePlan(random: SeededRandom, isAltering: boolean): ConnectionPlan {
  return {
    shapes: { toServer: makeShape(random), toClient: makeShape(random) },
    fault: {
      kind: random.pick(FAULTS.filter((kind) => isAltering || kind !== "flip")),
      direction: random.pick(["toServer", "toClient"]),
      at: random.chance(0.3) ? random.integer(0, 1_000) : random.integer(1_000, 100_000),
      mask: random.integer(1, 255),
      side: random.pick(["client", "server"]),
      lingerMs: random.magnitude(1, 4 * HEARTBEAT_MS),
    },
  };
}

/** How many messages were written, and answered or lost. */
interface Progress {
  written: number;
  answered: number;
}

/** Writes numbered messages until `isOver`. Resolves with all that was accepted, when every write has settled. */
async function write(client: Client, random: SeededRandom, isOver: () => boolean, progress: Progress) {
  const accepted = new Set<string>();
  const writes: Promise<void>[] = [];
  while (!isOver()) {
    const number = progress.written++;
    const text = `${number} ${"x".repeat(random.integer(0, MAX_BYTES))}`;
    writes.push(
      client.write(1, text).then(
        () => void accepted.add(text),
        () => {},
      ),
    );
    while (progress.written - progress.answered > AHEAD && client.status === "Connected" && !isOver()) await nextTurn();
    if (client.status !== "Connected") await client.connected();
  }
  await Promise.all(writes);
  return accepted;
}

describeWithBroker(
  "between a program and its broker, a proxy that cuts, resets, ends, loses, freezes and alters",
  (natsServer) => {
    async function start(seed: number, side: "client" | "server", options: object) {
      const random = new SeededRandom(seed);
      const { url } = await startBroker(natsServer);
      const upstream = { host: "127.0.0.1", port: Number(url.split(":")[1]) };
      // A server whose subscription is altered listens at another subject: only what the client sends is.
      const plans = Array.from({ length: FAULTS_EACH }, () => makePlan(random, side === "client"));
      const proxy = await FaultProxy.listen(plans, { host: "127.0.0.1", port: 0 }, upstream);
      onTestFinished(() => proxy.close());
      const at = (own: "client" | "server") =>
        connectTo(own === side ? `127.0.0.1:${proxy.port}` : url, CONNECTION).then((connection) =>
          nats(connection, { heartbeatMs: HEARTBEAT_MS, returnMs: 600_000 }),
        );
      const common = { name: "orders", security, ...options };
      const transport = await at("server");
      // A server does not wait for a broker that is away.
      const manager = await eventually(() => startServerManager({ ...common, transport }));
      onTestFinished(() => manager.close());
      const client = await startClient({ ...common, transport: await at("client"), retryMs: 10 });
      // The last fault may cut the connection that closes.
      onTestFinished(() => client.close().catch(({ code }) => expect(code).toBe("IPC_CLOSE_INCOMPLETE")));
      return { random, proxy, manager, client, isOver: () => proxy.fired.length === FAULTS_EACH };
    }

    test.each(Array.from({ length: SEEDS }, (_, seed) => [seed % 2 === 0 ? "client" : "server", seed] as const))(
      "at the %s loses nothing of a session that resumes, and repeats nothing, seed %i",
      async (side, seed) => {
        const { random, manager, client, isOver } = await start(seed, side, { resume: { ttlMs: 600_000 } });
        const got: string[] = [];
        const echoed: string[] = [];
        const lost: unknown[] = [];
        const progress: Progress = { written: 0, answered: 0 };
        manager.on("message", (_connection, message) => {
          got.push(message.text());
          void message.reply(1, message.data).catch(() => {});
        });
        client.on("message", (message) => {
          progress.answered = echoed.push(message.text());
        });
        client.on("lost", (error) => void lost.push(error));
        const accepted = await write(client, random, isOver, progress);
        await eventually(() => expect(echoed.length).toBeGreaterThanOrEqual(accepted.size));
        expect(lost).toEqual([]);
        const inOrder = (texts: readonly string[]) =>
          [...texts].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
        const digests = [got, echoed, inOrder([...accepted])].map((texts) => hash("sha256", texts.join("\n")));
        expect(new Set(digests).size).toBe(1);
      },
    );

    test.each(Array.from({ length: SEEDS }, (_, seed) => [seed % 2 === 0 ? "client" : "server", seed] as const))(
      "at the %s lets every write settle, and each connection bring what was written to it, whole, once and in order, seed %i",
      async (side, seed) => {
        const { random, manager, client, isOver } = await start(seed, side, {});
        const connections = new Map<object, number[]>();
        const progress: Progress = { written: 0, answered: 0 };
        manager.on("message", (connection, message) => {
          const [number, filling] = message.text().split(" ") as [string, string];
          expect(filling).toBe("x".repeat(filling.length));
          connections.set(connection, [...(connections.get(connection) ?? []), Number(number)]);
          void message.reply(1, number).catch(() => {});
        });
        client.on("message", (message) => {
          progress.answered = Number(message.text());
        });
        client.on("lost", () => {
          progress.answered = progress.written;
        });
        await write(client, random, isOver, progress);
        const numbers = [...connections.values()].flat();
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        for (const [first = 0, ...others] of connections.values())
          expect(others).toEqual(others.map((_, index) => first + 1 + index));
      },
    );
  },
);
