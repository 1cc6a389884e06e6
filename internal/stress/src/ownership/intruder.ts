// Another user that connects to every socket in a directory, again and again. usage: intruder.js DIRECTORY SOCKET UID
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { serveCalls } from "../process/calls.js";
import { becomeUser } from "./other-user.js";

/** Attempts in progress at the same time. */
const LANES = 8;

const [directory = "", socketName = "", uid = ""] = process.argv.slice(2);
const outcomes: Record<string, number> = {};
let expected: { readonly outcome: string; readonly resolve: () => void } | undefined;
let isOver = false;

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
    // Besides the socket with the known name: a server is bound in a directory of its own first.
    const hidden = readdirSync(directory).filter((name) => name.startsWith("."));
    for (const name of [socketName, ...hidden.map((entry) => `${entry}/~`)]) {
      const outcome = await attempt(join(directory, name));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome !== expected?.outcome || name !== socketName) continue;
      expected.resolve();
      expected = undefined;
    }
  }
}

const calls = {
  /** Resolves when the next attempt at the socket has this outcome: `entered`, or an errno. */
  until(outcome: string): Promise<void> {
    return new Promise((resolve) => {
      expected = { outcome, resolve };
    });
  },

  /** How often the attempts so far had each outcome. */
  outcomes(): Readonly<Record<string, number>> {
    return outcomes;
  },

  async stop(): Promise<void> {
    isOver = true;
    await attempts;
  },
};

export type IntruderCalls = typeof calls;

becomeUser(Number(uid));
const attempts: Promise<unknown> = Promise.all(Array.from({ length: LANES }, intrude));
serveCalls(calls, () => isOver);
