// A process that starts and closes servers, and dials them. usage: owner-program.js DIRECTORY NAME [UID]
import { createServer, type Server as NetServer } from "node:net";
import { join } from "node:path";
import { isIpcError, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { clock, serveCalls } from "../process/calls.js";
import { becomeUser } from "./other-user.js";

/** How a server is started. */
interface ListenHow {
  readonly unmaskPermissions?: boolean;
  /** The umask of the whole process. */
  readonly umask?: number;
  /** Not before this time of `clock`. */
  readonly at?: number;
}

const [directory = "", name = "", uid] = process.argv.slice(2);
let server: Server | undefined;
let careless: NetServer | undefined;

/** So that two processes act at the same moment, no timer is exact enough. */
function spinUntil(at: number): void {
  while (clock() < at);
}

/** Resolves with `ok`, or the code of the error. */
async function outcomeOf(act: () => Promise<void>): Promise<string> {
  try {
    await act();
    return "ok";
  } catch (error) {
    if (isIpcError(error)) return error.code;
    throw error;
  }
}

const calls = {
  listen({ unmaskPermissions = false, umask = 0o022, at = 0 }: ListenHow = {}): Promise<string> {
    return outcomeOf(async () => {
      process.umask(umask);
      spinUntil(at);
      server = await startServer({ name, directory, unmaskPermissions });
      server.on("message", ({ type, data }) => void server?.write(type, data));
    });
  },

  /** Listens as a server does that leaves the socket's mode to the umask. */
  async listenCarelessly(umask: number): Promise<void> {
    process.umask(umask);
    careless = createServer((socket) => socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => careless?.listen(join(directory, `${name}.sock`), resolve));
  },

  /** Closes the server, if there is one; not before `at`. */
  async close(at = 0): Promise<void> {
    spinUntil(at);
    await server?.close();
    server = undefined;
    careless?.close();
    careless = undefined;
  },

  /** Connects a client, which has a message echoed. */
  dial(trustedOwners: readonly number[] = []): Promise<string> {
    return outcomeOf(async () => {
      const client = await startClient({ name, directory, trustedOwners, retry: false });
      try {
        const echoes = client[Symbol.asyncIterator]();
        await client.write(1, "let in");
        if ((await echoes.next()).value?.text() !== "let in") throw new Error("no echo");
      } finally {
        await client.close();
      }
    });
  },
};

export type OwnerCalls = typeof calls;

if (uid !== undefined) becomeUser(Number(uid));
serveCalls(calls, () => server === undefined && careless === undefined);
