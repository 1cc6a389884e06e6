import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Client, startClient } from "@ipc/client";
import { nats } from "@ipc/transport-nats";
import { buildNatsServer, NatsServer } from "@ipc-internal/conformance/nats-server";
import { cpuUs } from "../processor-time.js";
import { connect, type NatsConnection } from "./nats-package.js";
import { NAME, type ServerFigures } from "./protocol.js";

/** The program beside this file, also when a test imports its source. */
const SERVER = fileURLToPath(new URL("../../dist/broker/server-process.js", import.meta.url));
const PAGE_BYTES = 4_096;
/** Linux counts the time of other processes in these. */
const TICK_US = 10_000;

/** A broker, a server process, and this process with a connection to the broker. */
export class BrokerPlace implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly #key: string;
  readonly #broker: NatsServer;
  readonly #server: ChildProcess;

  private constructor(key: string, broker: NatsServer, server: ChildProcess, connection: NatsConnection) {
    this.#key = key;
    this.#broker = broker;
    this.#server = server;
    this.connection = connection;
  }

  /** @throws Error where there is no nats-server */
  static async start(): Promise<BrokerPlace> {
    const program = await buildNatsServer();
    if ("missing" in program) throw new Error(program.missing);
    const broker = await NatsServer.start(program.path);
    const key = randomBytes(32).toString("hex");
    const server = fork(SERVER, [broker.url, key], { execArgv: ["--expose-gc"] });
    await once(server, "message");
    return new BrokerPlace(key, broker, server, await connect(broker.url));
  }

  startClient(): Promise<Client> {
    const security = { psk: Buffer.from(this.#key, "hex") };
    return startClient({ name: NAME, transport: nats(this.connection), security });
  }

  server(): Promise<ServerFigures> {
    return this.#ask<ServerFigures>("figures");
  }

  /** The resident set of the server process, in bytes, after it has collected its garbage. */
  serverBytes(): Promise<number> {
    return this.#ask<number>("memory");
  }

  /** The memory of the broker, in bytes, and its processor time. */
  broker(): { readonly rss: number; readonly cpuUs: number } {
    const proc = `/proc/${this.#broker.pid}`;
    const [, pages = "0"] = readFileSync(`${proc}/statm`, "utf8").split(" ");
    // The name of the program, in brackets, may have spaces in it.
    const fields = readFileSync(`${proc}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return { rss: Number(pages) * PAGE_BYTES, cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US };
  }

  /** Processor time of this process, the server and the broker. */
  async cpuUs(): Promise<number> {
    return cpuUs() + (await this.server()).cpuUs + this.broker().cpuUs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    this.#server.kill("SIGKILL");
    await this.#broker[Symbol.asyncDispose]();
  }

  async #ask<T>(what: "figures" | "memory"): Promise<T> {
    const told = once(this.#server, "message");
    this.#server.send(what);
    const [answer] = (await told) as [T];
    return answer;
  }
}
