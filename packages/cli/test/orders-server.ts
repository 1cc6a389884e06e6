import { type ManagerOptions, type ServerManager, startServerManager } from "@ipc/manager";
import { method, rpc, serve, stream } from "@ipc/rpc";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";

const ORDERS = {
  get: method({
    input: z.object({ id: z.number() }),
    output: z.object({ id: z.number(), note: z.string().optional() }),
    errors: { NOT_FOUND: z.object({ id: z.number() }) },
    idempotent: true,
  }),
  watch: stream<{ readonly above: number }, number>(),
  build: stream<string, { readonly step: string }, { readonly ok: boolean }>(),
  items: { sum: method({ takes: z.number(), output: z.number() }) },
  echo: method<unknown, unknown>(),
  caller: method<void, string>(),
  silent: method<void, void>(),
};

export interface Orders {
  readonly manager: ServerManager;
  readonly directory: string;
  /** The arguments that lead to it. */
  readonly at: readonly [flag: "-d", directory: string];
  /** How often `silent` was called. */
  readonly silentCalls: () => number;
}

/** Starts the server `orders` with a contract, which answers other messages with themselves, in a directory of its own; it ends with the test. */
export async function serveOrders(options: Partial<ManagerOptions> = {}): Promise<Orders> {
  const { directory, manager, at } = await manageOrders(options);
  let silentCalls = 0;
  rpc(manager, { onMessage: (message) => message.reply(message.type, message.data) });
  serve(manager, ORDERS, {
    get: ({ id }, call) => (id > 0 ? { id } : call.fail("NOT_FOUND", { id })),
    async *watch({ above }, call) {
      for (let id = above + 1; !call.signal.aborted; id++) yield id;
    },
    async *build(target) {
      yield { step: target };
      return { ok: true };
    },
    items: {
      sum: async (_, call) => {
        let sum = 0;
        for await (const item of call.items) sum += item;
        return sum;
      },
    },
    echo: (value) => value,
    caller: (_, call) => call.meta["tenant"] ?? "none",
    silent: (_, call) => {
      silentCalls++;
      return new Promise((_resolve, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
    },
  });
  return { manager, directory, at, silentCalls: () => silentCalls };
}

/** Starts a manager `orders` without anything to call, in a directory of its own; it ends with the test. */
export async function manageOrders(options: Partial<ManagerOptions> = {}): Promise<Omit<Orders, "silentCalls">> {
  const directory = temporaryDirectory();
  const place = options.transport === undefined ? { directory } : {};
  const manager = await startServerManager({ name: "orders", ...place, ...options });
  onTestFinished(() => manager.destroy());
  return { manager, directory, at: ["-d", directory] };
}
