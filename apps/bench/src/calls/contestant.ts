/** The values of calls: JSON, or bytes. */
export type Value = { readonly text: string } | Uint8Array;

/** A client of one way to call. */
export interface CallClient {
  /** Calls a method that returns its input. */
  echo(value: Value): Promise<unknown>;
  /** Calls a method that gives numbers, and counts them; undefined where there are no streams. */
  count?(items: number): Promise<number>;
  /** Reads one item of an endless stream of items of 16 KiB, and no more; undefined where a reader cannot stop. */
  stall?(): Promise<{ leave(): unknown }>;
  close(): unknown;
}

/** A way to call: a server and a client on one unix socket, set up as its documentation recommends. */
export interface CallContestant {
  /** Whether bytes travel as they are; elsewhere they are not measured. */
  readonly hasBytes: boolean;
  listen(path: string): Promise<void>;
  readonly connect: (path: string) => Promise<CallClient>;
}

/** An item of an endless stream. */
export const BLOCK: Value = { text: "x".repeat(16_384 - '{"text":""}'.length) };

/** Each is loaded in the processes that use it, and nowhere else. */
const LOADERS: Readonly<Record<string, () => Promise<CallContestant>>> = {
  "@ipc/rpc, secure": async () => (await import("./ours.js")).ours(true),
  "@ipc/rpc, plain": async () => (await import("./ours.js")).ours(false),
  "messages, secure": async () => (await import("./messages.js")).messages,
  birpc: async () => (await import("./birpc.js")).birpc,
  "vscode-jsonrpc": async () => (await import("./json-rpc.js")).jsonRpc,
  "tRPC (ws)": async () => (await import("./trpc.js")).trpc,
  "grpc-js": async () => (await import("./grpc.js")).grpc,
};

export const CONTESTANTS: readonly string[] = Object.keys(LOADERS);

/** Loads a contestant. @throws Error if there is none of this name */
export function loadContestant(name: string): Promise<CallContestant> {
  const load = LOADERS[name];
  if (load === undefined) throw new Error(`no contestant ${name}; there are: ${CONTESTANTS.join(", ")}`);
  return load();
}
