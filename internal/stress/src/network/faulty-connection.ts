import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionPlan, Direction, Fault } from "./fault-plan.js";
import { FaultyPipe } from "./faulty-pipe.js";

/** One connection of a client through the proxy, with its fault. */
export class FaultyConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  /** Ends all pauses, so that no timer outlives the connection. */
  readonly #over = new AbortController();
  readonly #pipes: Readonly<Record<Direction, FaultyPipe>>;
  readonly #fired: (fault: Fault) => void;
  /** Whether the end of one side is the other's. */
  #isJoined = true;

  constructor(client: Socket, server: Socket, { shapes, fault }: ConnectionPlan, fired: (fault: Fault) => void) {
    this.#client = client;
    this.#server = server;
    this.#fired = fired;
    const pipe = (direction: Direction): FaultyPipe =>
      new FaultyPipe({
        ...this.#ends(direction),
        shape: shapes[direction],
        at: fault?.direction === direction ? fault.at : undefined,
        onPlace: (next) => (fault === undefined ? next : this.#fire(fault, next)),
        pause: (ms) => this.#pause(ms),
      });
    this.#pipes = { toServer: pipe("toServer"), toClient: pipe("toClient") };
    this.#follow(client, server);
    this.#follow(server, client);
  }

  /** Shows what hangs when a run does not end. */
  get description(): string {
    const { toServer, toClient } = this.#pipes;
    return `${toServer.passedBytes} bytes to the server, ${toClient.passedBytes} to the client`;
  }

  destroy(): void {
    this.#over.abort();
    this.#client.destroy();
    this.#server.destroy();
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, this.#over).catch(() => {});
  }

  #ends(direction: Direction): { source: Socket; target: Socket } {
    const [client, server] = [this.#client, this.#server];
    return direction === "toServer" ? { source: client, target: server } : { source: server, target: client };
  }

  /** A side that is cut or reset takes the other with it. What one that has ended in order said before still gets through. */
  #follow(one: Socket, other: Socket): void {
    let isReset = false;
    one.on("error", () => {
      isReset = true;
    });
    one.once("close", () => {
      if (!this.#isJoined || (one.readableEnded && !isReset)) return;
      this.#over.abort();
      if (isReset) reset(other);
      else other.destroy();
    });
  }

  /** Gives the byte that stands at the fault's place, as it goes on. */
  #fire(fault: Fault, next: number): number {
    this.#fired(fault);
    const { target } = this.#ends(fault.direction);
    const { toServer, toClient } = this.#pipes;
    this.#cutLater(fault);
    switch (fault.kind) {
      case "cut":
        this.destroy();
        return next;
      case "end":
        this.#pipes[fault.direction].lose();
        target.end();
        return next;
      case "reset":
      case "freeze":
        // For a reset: what arrives now stays unread, and closing on it resets.
        toServer.standStill();
        toClient.standStill();
        return next;
      case "dead":
        this.#isJoined = false;
        this.#pipes[fault.direction].lose();
        return next;
      case "vanish":
        this.#isJoined = false;
        toServer.lose();
        toClient.lose();
        (fault.side === "client" ? this.#client : this.#server).destroy();
        return next;
      case "flip":
        return next ^ fault.mask;
    }
  }

  #cutLater({ kind, lingerMs }: Fault): void {
    if (lingerMs === undefined) return;
    void this.#pause(lingerMs).then(() => {
      if (kind === "reset") {
        reset(this.#client);
        reset(this.#server);
      }
      this.destroy();
    });
  }
}

/** TCP can be told to. On a unix socket, closing does it where something is unread. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
