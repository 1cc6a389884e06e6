// A process that starts and closes servers, and dials them. usage: owner-program.js [UID]
import { createServer, type Server as NetServer } from "node:net";
import { isIpcError, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { endAsOrphan } from "./orphan.js";
import { becomeUser } from "./other-user.js";
import { NAME, type OwnerNews, type OwnerOrder } from "./owner-order.js";
import { clock } from "./peer-order.js";

let server: Server | undefined;
let careless: NetServer | undefined;

async function carryOut(order: OwnerOrder): Promise<void> {
  switch (order.kind) {
    case "listen": {
      const { directory, unmaskPermissions = false, umask = 0o022, at = 0 } = order;
      process.umask(umask);
      spinUntil(at);
      server = await startServer({ name: NAME, directory, unmaskPermissions });
      server.on("message", ({ type, data }) => void server?.write(type, data));
      return;
    }
    case "close":
      spinUntil(order.at);
      await server?.close();
      server = undefined;
      careless?.close();
      careless = undefined;
      return;
    case "dial": {
      const { directory, trustedOwners } = order;
      const client = await startClient({ name: NAME, directory, trustedOwners, retry: false });
      try {
        const echoes = client[Symbol.asyncIterator]();
        await client.write(1, "let in");
        if ((await echoes.next()).value?.text() !== "let in") throw new Error("no echo");
      } finally {
        await client.close();
      }
      return;
    }
    case "listen carelessly":
      process.umask(order.umask);
      careless = createServer((socket) => socket.on("error", () => {}).resume());
      return new Promise((resolve) => void careless?.listen(order.path, resolve));
  }
}

/** So that two processes act at the same moment, no timer is exact enough. */
function spinUntil(at: number): void {
  while (clock() < at);
}

function tell(news: OwnerNews): void {
  process.send?.(news);
}

process.on("message", (order: OwnerOrder) => {
  carryOut(order).then(
    () => tell({ kind: "done", outcome: "ok" }),
    (error: unknown) => {
      if (isIpcError(error)) tell({ kind: "done", outcome: error.code });
      else tell({ kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  );
});
endAsOrphan(() => server === undefined && careless === undefined);
const [uid] = process.argv.slice(2);
if (uid !== undefined) becomeUser(Number(uid));
tell({ kind: "ready" });
