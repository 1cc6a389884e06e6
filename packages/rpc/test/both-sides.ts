import { type Client, type ClientOptions, startClient } from "@ipc/client";
import { type ManagerOptions, type ServerManager, startServerManager } from "@ipc/manager";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";

const name = "orders";

export interface BothSides {
  readonly manager: ServerManager;
  readonly directory: string;
  readonly connect: (options?: Partial<ClientOptions>) => Promise<Client>;
}

/** A manager on a unix socket or another transport, and clients of it; destroyed when the test is over. */
export async function bothSides(options: Partial<ManagerOptions> = {}): Promise<BothSides> {
  const directory = temporaryDirectory();
  const { transport } = options;
  const place = transport === undefined ? { directory } : { transport };
  const manager = untilTestEnds(await startServerManager({ name, ...place, ...options }));
  return {
    manager,
    directory,
    connect: async (more = {}) => untilTestEnds(await startClient({ name, ...place, ...more })),
  };
}

/** Resolves with what a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("the promise has resolved");
}
