import { basename, dirname } from "node:path";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type Method, method, type PlainTypes, rpc, serve, stream } from "@ipc/rpc";
import { BLOCK, type CallContestant, type Value } from "./contestant.js";

type None = Record<never, never>;
const contract: {
  readonly echo: Method<PlainTypes<Value, never, Value, never, None>>;
  readonly count: Method<PlainTypes<number, number, void, never, None>>;
  readonly blocks: Method<PlainTypes<void, Value, void, never, None>>;
} = { echo: method<Value, Value>(), count: stream<number, number>(), blocks: stream<void, Value>() };

/** @param encryption a secure session, or no encryption at all */
export function ours(encryption: boolean): CallContestant {
  const optionsOf = (path: string) => ({ name: basename(path, ".sock"), directory: dirname(path), encryption });
  return {
    hasBytes: true,
    async listen(path) {
      serve(await startServerManager(optionsOf(path)), contract, {
        echo: (value) => value,
        async *count(items) {
          for (let at = 0; at < items; at++) yield at;
        },
        async *blocks() {
          for (;;) yield BLOCK;
        },
      });
    },
    async connect(path) {
      const client = await startClient(optionsOf(path));
      const api = rpc(client).remote(contract);
      return {
        echo: (value) => api.echo(value),
        async count(items) {
          let count = 0;
          for await (const _item of api.count(items)) count++;
          return count;
        },
        async stall() {
          const items = api.blocks()[Symbol.asyncIterator]();
          await items.next();
          return { leave: () => items.return?.() };
        },
        close: () => client.close(),
      };
    },
  };
}
