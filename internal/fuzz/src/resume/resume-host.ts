import type { Peer, startClient } from "@ipc/client";
import type { startServerManager } from "@ipc/manager";
import type { startServer } from "@ipc/server";
import type { ResumeSide } from "./resume-side.js";

/** A server with one client, or a manager with several. */
export type HostKind = "server" | "manager";

/** The functions under test. */
export interface Packages {
  readonly startClient: typeof startClient;
  readonly startServer: typeof startServer;
  readonly startServerManager: typeof startServerManager;
}

/** The process that listens: a server, or a manager with a side for each of its connections. */
export class ResumeHost {
  readonly #process: Pick<Peer, "close" | "destroy">;
  /** In the order of their connections, also those that have ended. */
  readonly sides: readonly ResumeSide[];

  private constructor(process: Pick<Peer, "close" | "destroy">, sides: readonly ResumeSide[]) {
    this.#process = process;
    this.sides = sides;
  }

  /** @param asSide begins to play a peer of it */
  static async start(
    kind: HostKind,
    { startServer, startServerManager }: Packages,
    options: Parameters<typeof startServer>[0],
    asSide: (peer: Peer) => ResumeSide,
  ): Promise<ResumeHost> {
    if (kind === "server") {
      const server = await startServer(options);
      return new ResumeHost(server, [asSide(server)]);
    }
    const manager = await startServerManager(options);
    const sides: ResumeSide[] = [];
    manager.on("connection", (connection) => sides.push(asSide(connection)));
    return new ResumeHost(manager, sides);
  }

  /** The sides whose session stands, with or without a connection; a server's own one always. */
  get open(): readonly ResumeSide[] {
    return this.sides.filter(({ peer: { status } }) => status === "Connected" || status === "Reconnecting");
  }

  /** How many have a connection. */
  get connected(): number {
    return this.sides.filter(({ peer }) => peer.status === "Connected").length;
  }

  async close(): Promise<void> {
    await this.#process.close({ timeoutMs: 2_147_483_647 });
  }

  kill(): void {
    for (const side of this.sides) side.kill();
    this.#process.destroy();
  }
}
