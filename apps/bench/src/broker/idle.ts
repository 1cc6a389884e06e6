import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@ipc/client";
import { clockUs } from "../processor-time.js";
import type { BrokerPlace } from "./place.js";

/** Clients that connect at a time. */
const AT_ONCE = 50;

/** The cost of each idle client. */
export interface IdleCosts {
  readonly serverBytes: number;
  readonly brokerBytes: number;
  /** In each direction, on average. */
  readonly messagesPerSecond: number;
  /** Share of a core. */
  readonly serverShare: number;
  readonly brokerShare: number;
}

export async function measureIdle(place: BrokerPlace, clients: number, seconds: number): Promise<IdleCosts> {
  const before = { serverBytes: await place.serverBytes(), broker: place.broker() };
  const all: Client[] = [];
  while (all.length < clients) {
    const group = Math.min(AT_ONCE, clients - all.length);
    all.push(...(await Promise.all(Array.from({ length: group }, () => place.startClient()))));
  }
  const serverBytes = await place.serverBytes();
  const full = { server: await place.server(), broker: place.broker(), at: clockUs() };
  await sleep(seconds * 1_000);
  const after = { server: await place.server(), broker: place.broker(), at: clockUs() };
  await Promise.all(all.map((client) => client.close()));
  const us = after.at - full.at;
  const messages =
    after.server.inMessages + after.server.outMessages - full.server.inMessages - full.server.outMessages;
  return {
    serverBytes: (serverBytes - before.serverBytes) / clients,
    brokerBytes: (full.broker.rss - before.broker.rss) / clients,
    messagesPerSecond: messages / 2 / clients / (us / 1_000_000),
    serverShare: (after.server.cpuUs - full.server.cpuUs) / us / clients,
    brokerShare: (after.broker.cpuUs - full.broker.cpuUs) / us / clients,
  };
}
