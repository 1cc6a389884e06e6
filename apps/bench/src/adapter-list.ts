import type { Adapter } from "./adapter.js";

/** Each is loaded in the processes that use it, and nowhere else. */
const ADAPTERS: Readonly<Record<string, () => Promise<Adapter>>> = {
  plain: async () => (await import("./adapters/ours.js")).ours("plain"),
  compatible: async () => (await import("./adapters/ours.js")).ours("compatible"),
  secure: async () => (await import("./adapters/ours.js")).ours("secure"),
  "plain, polling": async () => (await import("./adapters/ours.js")).ours("plain, polling"),
  "secure, polling": async () => (await import("./adapters/ours.js")).ours("secure, polling"),
  "secure, resume": async () => (await import("./adapters/ours.js")).ours("secure, resume"),
  "bare loop": async () => (await import("./adapters/bare-socket.js")).bareSocket,
  ws: async () => (await import("./adapters/web-socket.js")).webSocket,
  zeromq: async () => (await import("./adapters/zero-mq.js")).zeroMq,
  "node-ipc": async () => (await import("./adapters/node-ipc.js")).nodeIpc,
  "vscode-jsonrpc": async () => (await import("./adapters/json-rpc.js")).jsonRpc,
  child_process: async () => (await import("./adapters/child-process.js")).childProcess,
};

export function adapterOf(name: string): Promise<Adapter> {
  const load = ADAPTERS[name];
  if (load === undefined) throw new Error(`${name}: takes one of ${Object.keys(ADAPTERS).join(", ")}`);
  return load();
}
