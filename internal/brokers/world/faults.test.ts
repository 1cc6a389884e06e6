import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { describeWithBroker, startBroker } from "../../../packages/transport-nats/test/with-broker.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import type { MachineStart } from "../src/machine.js";
import { startCluster } from "./cluster.js";
import { Machine } from "./machine.js";

const HEARTBEAT_MS = 500;
/** So long that a peer that stands still is found. */
const STANDSTILL_MS = 3 * HEARTBEAT_MS;
const resume = { ttlMs: 600_000 };

describeWithBroker("servers and clients in processes of their own", (natsServer) => {
  const starter = (servers: string | readonly string[], common: Partial<MachineStart> = {}) => {
    const directory = temporaryDirectory();
    const psk = randomBytes(32).toString("hex");
    return (role: MachineStart["role"], id: string, own: Partial<MachineStart> = {}): Promise<Machine> => {
      const transport = { heartbeatMs: HEARTBEAT_MS, ...common.transport };
      return Machine.start({ role, id, servers, psk, log: join(directory, id), ...common, transport, ...own });
    };
  };

  async function expectNothingLost(servers: readonly Machine[], clients: readonly Machine[]): Promise<void> {
    for (const client of clients) {
      const { written, rejected } = await client.end();
      const sent = Array.from({ length: written ?? 0 }, (_, index) => `${client.id} ${index + 1}`);
      expect(rejected).toEqual([]);
      expect(client.all("lost")).toEqual([]);
      expect(client.taken).toEqual(sent);
      expect(servers.flatMap(({ taken }) => taken.filter((line) => line.startsWith(`${client.id} `)))).toEqual(sent);
    }
    await Promise.all(servers.map((server) => server.end()));
  }

  test("with resume lose nothing, and get nothing twice or out of order, while the broker is killed and started, and each side stands still", async () => {
    const broker = await startBroker(natsServer);
    const start = starter(broker.url, { resume, transport: { returnMs: 600_000 } });
    const servers = await Promise.all(["s1", "s2", "s3"].map((id) => start("server", id)));
    const clients = await Promise.all(["c1", "c2", "c3"].map((id) => start("client", id)));
    const progress = () => Promise.all(clients.map((client) => client.progress()));
    for (let round = 0; round < 3; round++) {
      await progress();
      await broker.kill("SIGKILL");
      await broker.start();
    }
    for (const standing of [...servers, clients[0] as Machine]) {
      await progress();
      standing.signal("SIGSTOP");
      await pause(STANDSTILL_MS);
      standing.signal("SIGCONT");
    }
    await progress();
    await expectNothingLost(servers, clients);
  });

  test("with resume lose nothing while one of three brokers is killed", async () => {
    const brokers = await startCluster(natsServer, 3);
    const urls = brokers.map(({ url }) => url);
    const at = (index: number) => [...urls.slice(index), ...urls.slice(0, index)];
    const start = starter(urls, { resume, transport: { returnMs: 600_000 }, connection: { noRandomize: true } });
    const servers = await Promise.all([0, 1, 2].map((index) => start("server", `s${index}`, { servers: at(index) })));
    const clients = await Promise.all([0, 1, 2].map((index) => start("client", `c${index}`, { servers: at(index) })));
    const progress = () => Promise.all(clients.map((client) => client.progress()));
    await progress();
    await brokers[0]?.kill("SIGKILL");
    await progress();
    await expectNothingLost(servers, clients);
  });

  test("with resume are told truly what did not arrive when a server is killed, and go on at another one", async () => {
    const broker = await startBroker(natsServer);
    const start = starter(broker.url, { resume, transport: { returnMs: 0 } });
    const servers = await Promise.all(["s1", "s2", "s3"].map((id) => start("server", id)));
    const clients = await Promise.all(Array.from({ length: 6 }, (_, index) => start("client", `c${index}`)));
    await Promise.all(clients.map((client) => client.progress()));
    const victim = servers.find(({ taken }) => taken.length > 0) as Machine;
    const orphans = clients.filter(({ id }) => victim.taken.some((line) => line.startsWith(`${id} `)));
    await victim.kill();
    await Promise.all(orphans.map((client) => client.wait("lost")));
    await Promise.all(clients.map((client) => client.progress()));
    for (const client of clients) {
      const { written = 0, rejected = [] } = await client.end();
      const losses = client.all("lost");
      expect(losses.map(({ code }) => code)).toEqual(orphans.includes(client) ? ["IPC_SESSION_LOST"] : []);
      const undelivered = losses.flatMap((loss) => loss.undelivered ?? []);
      const unconfirmed = losses.reduce((sum, loss) => sum + (loss.unconfirmed ?? 0), 0);
      const logs = servers.map(({ taken }) =>
        taken.filter((line) => line.startsWith(`${client.id} `)).map((line) => Number(line.split(" ")[1])),
      );
      for (const log of logs) expect(log).toEqual([...new Set(log)].sort((a, b) => a - b));
      const taken = new Set(logs.flat());
      expect(taken.size).toBe(logs.flat().length);
      expect(undelivered.filter((number) => taken.has(number))).toEqual([]);
      const missing = Array.from({ length: written }, (_, index) => index + 1).filter((number) => !taken.has(number));
      expect(missing.length).toBeLessThanOrEqual(undelivered.length + unconfirmed + rejected.length);
      expect(missing).toEqual(expect.arrayContaining([...undelivered]));
    }
  });

  test("find a client that was killed, or stands still", async () => {
    const broker = await startBroker(natsServer);
    const start = starter(broker.url);
    const server = await start("server", "s1");
    for (const [index, signal] of (["SIGKILL", "SIGSTOP"] as const).entries()) {
      const client = await start("client", `c${index}`);
      await client.progress();
      if (signal === "SIGKILL") await client.kill();
      else client.signal("SIGSTOP");
      expect(await server.wait("disconnection", index + 1)).toMatchObject({ code: "IPC_CONNECTION_LOST" });
      if (signal === "SIGSTOP") client.signal("SIGCONT");
    }
    await server.end();
  });
});
