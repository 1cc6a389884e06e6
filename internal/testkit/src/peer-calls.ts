import type { Peer } from "@ipc/session";
import type { StateTable } from "./state-table.js";

/** More than the kernel buffers for a socket that is not read. */
export const TOO_MUCH: Uint8Array = new Uint8Array(3_000_000);

/** Every call that all peers have. What none of them brings to an end by itself is given a time without end. */
export const PEER_CALLS: StateTable<Peer>["calls"] = {
  read: (peer) => peer.read(),
  readTimed: (peer) => peer.readTimed(0),
  [Symbol.asyncIterator]: (peer) => peer[Symbol.asyncIterator]().next(),
  write: (peer) => peer.write(1, "a"),
  writeMessage: (peer) => peer.writeMessage({ type: 1, data: "a" }),
  flush: (peer) => peer.flush(),
  close: (peer) => peer.close({ timeoutMs: 1_000_000 }),
  [Symbol.asyncDispose]: (peer) => peer[Symbol.asyncDispose](),
  destroy: (peer) => peer.destroy(),
  pause: (peer) => peer.pause(),
  resume: (peer) => peer.resume(),
  ref: (peer) => peer.ref(),
  unref: (peer) => peer.unref(),
  on: (peer) => peer.on("message", () => {}),
  once: (peer) => peer.once("message", () => {}),
  off: (peer) => peer.off("message", () => {}),
  status: (peer) => peer.status,
  statusCode: (peer) => peer.statusCode,
  security: (peer) => peer.security.mode,
  remote: (peer) => peer.remote.split("/").at(-1),
  stats: ({ stats }) => `${stats.messagesReceived} in, ${stats.messagesSent} out`,
};

export const FURTHER_PEER_CALLS: Readonly<Record<string, (peer: Peer) => unknown>> = {
  "write much": (peer) => peer.write(1, TOO_MUCH),
  "write badly": (peer) => peer.write(0, "a"),
};

/** What all of ours have for their own use. */
export const PEER_INNER: readonly string[] = [
  "connect",
  "onDisconnected",
  "onClosed",
  "onConnected",
  "emit",
  "endReading",
  "finish",
  "hasRoom",
  "pauseInput",
  "isConnected",
  "isFull",
  "isOpen",
  "resumeInput",
  "receive",
  "receivedBuffer",
  "release",
  "setReferenced",
  "setStatus",
  "acceptsRemaining",
  "unreadBytes",
];

/** What may be called at any time and changes nothing. */
export const STEADY_PEER_CALLS: readonly string[] = [
  "write badly",
  "pause",
  "resume",
  "ref",
  "unref",
  "off",
  "status",
  "statusCode",
  "security",
  "remote",
  "stats",
];

/** What some of these come to in whatever state a peer without encryption is. */
export const UNIFORM_PEER_CELLS: Readonly<Record<string, string>> = {
  "write badly": "RangeError",
  pause: "itself",
  resume: "itself",
  ref: "itself",
  unref: "itself",
  off: "itself",
  security: "plain",
};
