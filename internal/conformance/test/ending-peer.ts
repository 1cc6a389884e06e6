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
 * Ends its connection as the lines on its stdin say. A handshake may take more than 5 s on a busy machine, and nothing dials again, so
 * timers of that length never fire, as in the process of the test.
 */
const PROGRAM = `
  import timers from "node:timers";
  import { createInterface } from "node:readline";
  const { setTimeout: start } = timers;
  timers.setTimeout = (callback, ms, ...rest) => start(callback, ms >= 5_000 ? 2_147_483_647 : ms, ...rest);
  const { startClient } = await import("@ipc/client");
  const { startServer } = await import("@ipc/server");
  const { tcp, unixSocket } = await import("@ipc/transport");
  let stream;
  const own = "port" in place ? tcp(place) : unixSocket(place);
  const transport = {
    ...own,
    address: (...at) => own.address(...at),
    dial: async (...at) => (stream = await own.dial(...at)),
    listen: (name, endpoint, onStream, more) => own.listen(name, endpoint, (accepted) => onStream((stream = accepted)), more),
  };
  const peer = await { client: startClient, server: startServer }[role]({ name, transport, ...options });
  console.log(peer.address ?? "");
  while (peer.status !== "Connected") await new Promise((resolve) => peer.once("status", resolve));
  console.log("connected");
  for await (const line of createInterface(process.stdin)) {
    const [command, hex] = line.split(" ");
    if (command === "close") await peer.close();
    if (command === "drain") await peer.drain();
    if (command === "destroy") peer.destroy();
    if (command === "reset") stream.resetAndDestroy();
    if (command === "write") stream.write(Buffer.from(hex, "hex"));
    if (command === "end") stream.end(Buffer.from(hex, "hex"));
  }
`;

/** A peer in a process of its own, which ends its connection in a way that a test chooses. */
export class EndingPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** Where a server listens. */
  readonly address: string;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, address: string) {
    this.#child = child;
    this.#lines = lines;
    this.address = address;
  }

  /** Starts a server, or a client that is connected then; killed when the test is over. */
  static async start({ role, place, options }: EndingPeerOptions): Promise<EndingPeer> {
    const given = Object.entries({ role, place, options, name: NAME });
    const constants = given.map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`).join("\n");
    const child = spawn(process.execPath, ["--input-type=module", "--eval", constants + PROGRAM], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return new EndingPeer(child, lines, String((await lines.next()).value));
  }

  /** Ends the connection once it is complete there too. @param how a signal, or a line of the program */
  async end(how: string): Promise<void> {
    await this.#lines.next();
    if (how === "SIGKILL" || how === "SIGSTOP") this.#child.kill(how);
    else this.#child.stdin?.write(`${how}\n`);
  }
}
