import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeWithBroker, startBroker } from "../../../packages/transport-nats/test/with-broker.js";
import { PrivateNetwork } from "../../conformance/src/private-network.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import type { MachineStart } from "../src/machine.js";
import { Machine } from "./machine.js";

const HEARTBEAT_MS = 500;
/** The broker and nats.js notice a dead network by their own pings. */
const CONNECTION = { pingInterval: HEARTBEAT_MS, maxPingOut: 2, timeout: 1_000 };
const CONFIG = `ping_interval: "500ms"\nping_max: 2\nwrite_deadline: "1s"`;
const missing = PrivateNetwork.whyMissing();

describe.skipIf(missing !== undefined)(
  `in a network that is cut${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    describeWithBroker("servers and clients on machines of their own", (natsServer) => {
      /** A broker at the hub, two servers, and a client. */
      async function startAll(common: Partial<MachineStart>) {
        const network = new PrivateNetwork(3);
        onTestFinished(() => network[Symbol.dispose]());
        const broker = await startBroker(natsServer, { within: network.within, config: CONFIG });
        const directory = temporaryDirectory();
        const psk = randomBytes(32).toString("hex");
        const start = (role: MachineStart["role"], id: string, at: number): Promise<Machine> => {
          const { within, hub } = network.hosts[at] as PrivateNetwork["hosts"][number];
          const transport = { heartbeatMs: HEARTBEAT_MS, ...common.transport };
          const log = join(directory, id);
          const place = { role, id, servers: `${hub}:${broker.port}`, psk, log, connection: CONNECTION };
          return Machine.start({ ...place, ...common, transport }, within);
        };
        const servers = [await start("server", "s0", 0), await start("server", "s1", 1)];
        const client = await start("client", "c", 2);
        await client.progress();
        const holder = servers.findIndex(({ taken }) => taken.length > 0);
        return { network, servers, client, holder };
      }

      test("reach another server, and both sides notice, when the network of a server is cut", async () => {
        const { network, servers, client, holder } = await startAll({});
        network.cut(holder);
        expect(await client.wait("lost")).toMatchObject({ code: "IPC_CONNECTION_LOST" });
        await client.progress();
        expect(servers[1 - holder]?.taken.length).toBeGreaterThan(0);
        expect(await servers[holder]?.wait("disconnection")).toMatchObject({ code: "IPC_CONNECTION_LOST" });
        network.join(holder);
        const { written = 0, rejected = [] } = await client.end();
        const taken = servers.flatMap((server) => server.taken);
        expect(new Set(taken).size).toBe(taken.length);
        expect(taken.length + rejected.length).toBeLessThanOrEqual(written);
        for (const server of servers) await server.end();
      });

      test.each(["server", "client"] as const)(
        "with resume lose nothing, and get nothing twice or out of order, when the network of the %s is cut for a while",
        async (side) => {
          const common = { resume: { ttlMs: 600_000 }, transport: { returnMs: 600_000 } };
          const { network, servers, client, holder } = await startAll(common);
          const host = side === "client" ? 2 : holder;
          network.cut(host);
          await client.wait("status", client.all("status").length + 1);
          network.join(host);
          await client.progress();
          const { written = 0, rejected } = await client.end();
          const sent = Array.from({ length: written }, (_, index) => `c ${index + 1}`);
          expect(rejected).toEqual([]);
          expect(client.all("lost")).toEqual([]);
          expect(client.taken).toEqual(sent);
          expect(servers[holder]?.taken).toEqual(sent);
          for (const server of servers) await server.end();
        },
      );
    });
  },
);
