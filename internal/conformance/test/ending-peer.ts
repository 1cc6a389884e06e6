import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ClientOptions } from "@ipc/client";
import { onTestFinished } from "vitest";

export const NAME = "orders";

/** How a transport is made, for both processes. */
export type Place = { readonly directory: string } | { readonly port: number };

interface EndingPeerOptions {
  readonly role: "client" | "server";
  readonly place: Place;
  readonly options: Pick<ClientOptions, "encryption" | "security" | "retryMs">;
}

/**
 * Starts peers and ends their connections as the lines on its stdin say. A handshake may take more than 5 s on a busy machine, and
 * nothing dials again, so timers of that length never fire, as in the process of the test.
 */
const PROGRAM = `
  import timers from "node:timers";
  import { createInterface } from "node:readline";
  const { setTimeout: start } = timers;
  timers.setTimeout = (callback, ms, ...rest) => start(callback, ms >= 5_000 ? 2_147_483_647 : ms, ...rest);
  const { startClient } = await import("@ipc/client");
  const { startServer } = await import("@ipc/server");
  const { tcp, unixSocket } = await import("@ipc/transport");
  let peer;
  let stream;
  async function startPeer({ role, place, options }) {
    const own = "port" in place ? tcp(place) : unixSocket(place);
    const transport = {
      ...own,
      address: (...at) => own.address(...at),
      dial: async (...at) => (stream = await own.dial(...at)),
      listen: (name, endpoint, onStream, more) => own.listen(name, endpoint, (accepted) => onStream((stream = accepted)), more),
    };
    peer = await { client: startClient, server: startServer }[role]({ name: "${NAME}", transport, ...options });
    console.log(peer.address ?? "");
    while (peer.status !== "Connected") await new Promise((resolve) => peer.once("status", resolve));
    console.log("connected");
  }
  const commands = {
    start: (settings) => startPeer(JSON.parse(settings)),
    close: () => peer.close().catch(console.error),
    drain: () => peer.drain().catch(console.error),
    destroy: () => peer.destroy(),
    reset: () => stream.resetAndDestroy(),
    write: (hex) => stream.write(Buffer.from(hex, "hex")),
    end: (hex) => stream.end(Buffer.from(hex, "hex")),
  };
  createInterface(process.stdin)
    .on("line", (line) => {
      const [command] = line.split(" ", 1);
      commands[command](line.slice(command.length + 1));
    })
    .on("close", () => process.exit());
`;

/** The other process, which one test after another uses, until one of them ends it by a signal. */
class EndingProcess {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child = child;
    child.once("exit", () => {
      if (current === this) current = undefined;
    });
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  async nextLine(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error("the process of the other peer has ended");
    return value;
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}

let current: EndingProcess | undefined;

/** A peer in another process, which ends its connection in a way that a test chooses. */
export class EndingPeer {
  readonly #process: EndingProcess;
  readonly #connected: Promise<void>;
  /** Where a server listens. */
  readonly address: string;

  private constructor(process: EndingProcess, address: string, connected: Promise<void>) {
    this.#process = process;
    this.#connected = connected;
    this.address = address;
  }

  /** Starts a server, or a client that is connected then; destroyed when the test is over. */
  static async start(options: EndingPeerOptions): Promise<EndingPeer> {
    current ??= new EndingProcess();
    const process = current;
    let isConnected = false;
    onTestFinished(() => {
      if (process !== current) return;
      // The line that is still to come would be taken for one of the next test.
      if (isConnected) process.tell("destroy");
      else EndingPeer.endProcess();
    });
    process.tell(`start ${JSON.stringify(options)}`);
    const address = await process.nextLine();
    const connected = process.nextLine().then(() => {
      isConnected = true;
    });
    // For a test that does not end the connection.
    connected.catch(() => {});
    return new EndingPeer(process, address, connected);
  }

  /** Ends the connection once it is complete there too. @param how a signal, or a line of the program */
  async end(how: string): Promise<void> {
    await this.#connected;
    if (how !== "SIGKILL" && how !== "SIGSTOP") return this.#process.tell(how);
    this.#process.child.kill(how);
    onTestFinished(() => EndingPeer.endProcess());
  }

  /** Ends the process of all peers. */
  static endProcess(): void {
    current?.child.kill("SIGKILL");
    current = undefined;
  }
}
