import { once } from "node:events";
import { createServer } from "node:http";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import type { CallContestant, Value } from "./contestant.js";

const t = initTRPC.create();

function makeRouter() {
  return t.router({
    echo: t.procedure.input((value: unknown) => value as Value).mutation(({ input }) => input),
    count: t.procedure
      .input((value: unknown) => value as number)
      .subscription(async function* ({ input }) {
        for (let at = 0; at < input; at++) yield at;
      }),
  });
}

export const trpc: CallContestant = {
  hasBytes: false,
  async listen(path) {
    const server = createServer();
    applyWSSHandler({ wss: new WebSocketServer({ server }), router: makeRouter() });
    await once(server.listen(path), "listening");
  },
  async connect(path) {
    const ws = createWSClient({ url: `ws+unix:${path}:/`, WebSocket: WebSocket as never });
    const client = createTRPCClient<ReturnType<typeof makeRouter>>({ links: [wsLink({ client: ws })] });
    return {
      echo: (value) => client.echo.mutate(value),
      count: (items) =>
        new Promise((resolve, reject) => {
          let count = 0;
          client.count.subscribe(items, {
            onData: () => void count++,
            onError: reject,
            onComplete: () => resolve(count),
          });
        }),
      close: () => ws.close(),
    };
  },
};
