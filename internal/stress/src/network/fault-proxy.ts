import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from "node:net";
import type { ConnectionPlan, Fault, FaultKind } from "./fault-plan.js";
import { FaultyConnection } from "./faulty-connection.js";

const UNDISTURBED: ConnectionPlan = {
  shapes: { toServer: { kind: "as they come" }, toClient: { kind: "as they come" } },
};

/**
 * Forwards between a client and a server, and injects planned faults. A plan holds until its fault has happened,
 * so a connection that ends before, because the server was busy with a dead one, uses none up.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: NetConnectOpts;
  readonly #plans: readonly ConnectionPlan[];
  readonly #connections: FaultyConnection[] = [];
  readonly #fired: FaultKind[] = [];
  #isLatestUndisturbed = false;
  #isDown = false;
  #resolveHeld!: () => void;
  /** Resolves when a fault has begun that lasts. */
  readonly held: Promise<void> = new Promise((resolve) => {
    this.#resolveHeld = resolve;
  });

  private constructor(plans: readonly ConnectionPlan[], upstream: NetConnectOpts) {
    this.#plans = plans;
    this.#upstream = upstream;
    // A half of a connection may end before the other.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      if (this.#isDown) {
        client.destroy();
        return;
      }
      const server = connect({ ...this.#upstream, allowHalfOpen: true, noDelay: true });
      const index = this.#fired.length;
      const plan = this.#plans[index] ?? UNDISTURBED;
      const connection = new FaultyConnection(client, server, plan, (fault) => this.#onFired(fault, index));
      this.#connections.push(connection);
      this.#isLatestUndisturbed = plan.fault === undefined;
    });
  }

  /** Listens at `place` and passes on to `upstream`. */
  static async listen(
    plans: readonly ConnectionPlan[],
    place: ListenOptions,
    upstream: NetConnectOpts,
  ): Promise<FaultProxy> {
    const proxy = new FaultProxy(plans, upstream);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(place, resolve);
    });
    return proxy;
  }

  /** The port, where it listens on one. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Whether the client's latest connection is one without a fault. */
  get isSpent(): boolean {
    return this.#isLatestUndisturbed;
  }

  /** The faults that have happened, in order. */
  get fired(): readonly FaultKind[] {
    return this.#fired;
  }

  /** How many connections the client has made. */
  get connections(): number {
    return this.#connections.length;
  }

  /** Shows what hangs when a run does not end. */
  get description(): string {
    const last = this.#connections.at(-1)?.description ?? "none";
    return `faults so far: ${this.#fired.join(", ") || "none"}; ${this.#connections.length} connections, the last: ${last}`;
  }

  /** Cuts every connection: what a fault held up goes on. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Cuts every connection, and every new one at once, until `up`. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  /** Cuts every connection and listens no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #onFired({ kind, lingerMs }: Fault, index: number): void {
    // A connection that is no longer used may still meet the fault that a later one has met.
    if (index !== this.#fired.length) return;
    this.#fired.push(kind);
    if (lingerMs === undefined) this.#resolveHeld();
  }
}
