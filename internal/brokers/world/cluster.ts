import { once } from "node:events";
import { createServer } from "node:net";
import { startBroker } from "../../../packages/transport-nats/test/with-broker.js";
import type { NatsServer } from "../../conformance/src/nats-server.js";

/** So often, because another process may take a port between its choice and the start of a broker. */
const ATTEMPTS = 5;

/** Starts brokers that know each other; they end with the test. */
export async function startCluster(natsServer: string, brokers: number): Promise<NatsServer[]> {
  for (let attempt = 1; ; attempt++) {
    const started = await Promise.allSettled(await startBrokers(natsServer, brokers));
    const failed = started.find((each) => each.status === "rejected");
    const running = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (failed === undefined) return running;
    await Promise.all(running.map((broker) => broker[Symbol.asyncDispose]()));
    if (attempt === ATTEMPTS) throw failed.reason;
  }
}

async function startBrokers(natsServer: string, brokers: number): Promise<Promise<NatsServer>[]> {
  const ports = await freePorts(brokers);
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(",");
  const flagsAt = (port: number) => [
    "--cluster_name",
    "ipc",
    "--cluster",
    `nats://127.0.0.1:${port}`,
    "--routes",
    routes,
  ];
  return ports.map((port) => startBroker(natsServer, { flags: flagsAt(port) }));
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
