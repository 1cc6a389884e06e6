import { createRequire } from "node:module";
import { onTestFinished, test } from "vitest";
import { buildNatsServer, NatsServer, type NatsServerOptions } from "../../../internal/conformance/src/nats-server.js";
import { describeWith } from "../../../internal/testkit/src/describe-with.js";
import type { NatsConnectionLike } from "../src/nats-connection.js";

/** A connection of nats.js, which its program closes. */
export interface TestConnection extends NatsConnectionLike {
  close(): Promise<void>;
}

interface NatsPackage {
  readonly connect: (options: object) => Promise<TestConnection>;
}

// Its declarations do not compile with exactOptionalPropertyTypes, so they are not loaded.
const { connect } = createRequire(import.meta.url)("@nats-io/transport-node") as NatsPackage;
const program = await buildNatsServer();

/** As `describe`, with the path of nats-server; skipped, and the title says why, where there is no Go. */
export function describeWithBroker(title: string, body: (natsServer: string) => void): void {
  describeWith(program, title, body);
}

const whyNoStop = process.platform === "win32" ? " (skipped: Windows has no SIGSTOP)" : "";

/** As `test`, for one that stops a process; skipped, and the title says why, on Windows. */
export function testWithStop(title: string, body: () => Promise<void>): void {
  test.skipIf(whyNoStop !== "")(`${title}${whyNoStop}`, body);
}

/** Starts a broker, which ends with the test. */
export async function startBroker(natsServer: string, options: NatsServerOptions = {}): Promise<NatsServer> {
  const broker = await NatsServer.start(natsServer, options);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}

/** Connects to brokers, until the test ends. */
export async function connectTo(servers: string | string[], options: object = {}): Promise<TestConnection> {
  const connection = await connect({ servers, reconnectTimeWait: 50, maxReconnectAttempts: -1, ...options });
  onTestFinished(() => connection.close());
  return connection;
}
