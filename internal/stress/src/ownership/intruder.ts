// Another user that connects to whatever is in a directory, again and again. usage: intruder-program.js DIRECTORY UID
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { IntruderNews, IntruderOrder } from "./intruder-order.js";
import { endAsOrphan } from "./orphan.js";
import { becomeUser } from "./other-user.js";
import { SOCKET } from "./owner-order.js";

/** Attempts under way at the same time. */
const LANES = 8;

const [directory = "", uid = ""] = process.argv.slice(2);
const outcomes: Record<string, number> = {};
let awaitsRefusal = false;
let isOver = false;

function tell(news: IntruderNews): void {
  process.send?.(news);
}

/** Resolves with `entered`, or the errno. */
function attempt(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("entered");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function intrude(): Promise<void> {
  while (!isOver) {
    // The name that all know, and whatever else there is: a server is bound in a directory of its own first.
    const hidden = readdirSync(directory).filter((name) => name.startsWith("."));
    for (const name of [SOCKET, ...hidden.map((entry) => `${entry}/~`)]) {
      const outcome = await attempt(join(directory, name));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome === "entered") tell({ kind: "entered" });
      if (outcome === "EACCES" && name === SOCKET && awaitsRefusal) {
        awaitsRefusal = false;
        tell({ kind: "refused" });
      }
    }
  }
}

process.on("message", ({ kind }: IntruderOrder) => {
  switch (kind) {
    case "await refusal":
      awaitsRefusal = true;
      return;
    case "tell":
      tell({ kind: "outcomes", outcomes });
      return;
    case "end":
      isOver = true;
  }
});
endAsOrphan(() => isOver);
becomeUser(Number(uid));
tell({ kind: "ready" });
await Promise.all(Array.from({ length: LANES }, intrude));
tell({ kind: "ended" });
