// One side of many runs, in a process of its own: does what the runner says. usage: peer-program.js server|client
import { setImmediate as nextTurn } from "node:timers/promises";
import { isIpcError, type Peer, startClient, tcp } from "@ipc/client";
import { startServer } from "@ipc/server";
import { Waits } from "@ipc-internal/seeded";
import { type Command, NAME, type PeerReport, type Told } from "./command.js";
import { Conversation } from "./conversation.js";
import type { Side, Wire } from "./fault-plan.js";

type Start = Extract<Command, { kind: "start" }>;

const RETRY_MS = 5;

/** Options of both sides for each wire. */
const WIRES = {
  plain: { encryption: false },
  compatible: { security: { wire: "golang-ipc" } },
  secure: {},
} as const satisfies Record<Wire, object>;

const side: Side = process.argv[2] === "server" ? "server" : "client";
/** What keeps the process alive when there is no peer: the ways to the runner. */
let idle: string | undefined;
let waits = new Waits();
let conversation: Conversation | undefined;
let starting = new AbortController();

function tell(told: Told): void {
  process.send?.(told);
}

function resources(): string {
  const all = process.getActiveResourcesInfo().sort();
  // The turn in which this is asked.
  return all.filter((name) => name !== "Immediate").join();
}

function resourcesWhenIdle(): string {
  // Node makes it when it is first asked for, be it within an error's trace.
  process.stderr.listenerCount("error");
  return resources();
}

async function startPeer({ place, wire, handshakeTimeoutMs, plan }: Start): Promise<Peer> {
  const { maxQueuedBytes, maxUnreadBytes } = plan;
  const options = {
    name: NAME,
    ...("port" in place ? { transport: tcp(place) } : place),
    ...WIRES[wire],
    maxQueuedBytes,
    maxUnreadBytes,
    handshakeTimeoutMs,
    signal: starting.signal,
  };
  if (side === "client") return startClient({ ...options, retryMs: RETRY_MS });
  const server = await startServer(options);
  server.on("refused", (error) => conversation?.note("refused", error));
  tell({ kind: "started", address: server.address });
  return server;
}

/** From the start of a peer until nothing is left of it. */
async function converse(start: Start): Promise<void> {
  idle ??= resourcesWhenIdle();
  waits = new Waits();
  starting = new AbortController();
  const report = await startAndConverse(start);
  conversation = undefined;
  await waits.track("what keeps the process alive to go", settle());
  tell({ kind: "over", report });
}

async function startAndConverse(start: Start): Promise<PeerReport> {
  let peer: Peer;
  try {
    peer = await waits.track("the start", startPeer(start));
  } catch (error) {
    if (!isIpcError(error)) throw error;
    return { sent: [], arrived: [], codes: [`start ${error.code}`] };
  }
  conversation = new Conversation({ peer, side, seed: start.seed, plan: start.plan, waits, tell });
  return conversation.over();
}

/** A socket, a timer or a thread that stays for good never lets this end, and the watchdog says so. */
async function settle(): Promise<void> {
  do await nextTurn();
  while (resources() !== idle);
}

process.on("message", (command: Command) => {
  switch (command.kind) {
    case "start":
      void converse(command);
      return;
    case "confirm":
      tell({ kind: "confirmed", holds: conversation?.holds(command.connection) ?? false });
      return;
    case "close":
      if (conversation === undefined) starting.abort("closed by the plan");
      else conversation.close(command.timeoutMs);
      return;
    case "destroy":
      if (conversation === undefined) starting.abort("destroyed by the plan");
      else conversation.destroy();
      return;
    case "waits":
      tell({ kind: "waits", names: [...waits.names, `resources: ${resources()}, idle: ${idle}`] });
  }
});

tell({ kind: "ready" });
