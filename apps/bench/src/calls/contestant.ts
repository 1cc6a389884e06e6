/** What calls are made of: JSON, or bytes. */
export type Value = { readonly text: string } | Uint8Array;

/** A client of one way to call. */
export interface CallClient {
  /** Calls a method that returns its input. */
  echo(value: Value): Promise<unknown>;
  /** Calls a method that gives numbers, and counts them; undefined where there are no streams. */
  count?(items: number): Promise<number>;
  close(): unknown;
}

/** A way to call: a server and a client on one unix socket, set up as its documentation recommends. */
export interface CallContestant {
  /** Whether bytes travel as they are; elsewhere they are not measured. */
  readonly hasBytes: boolean;
  listen(path: string): Promise<void>;
  readonly connect: (path: string) => Promise<CallClient>;
}

/** Each is loaded in the processes that use it, and nowhere else. */
export const CONTESTANTS: Readonly<Record<string, () => Promise<CallContestant>>> = {
  "@ipc/rpc, secure": async () => (await import("./ours.js")).ours(true),
  "@ipc/rpc, plain": async () => (await import("./ours.js")).ours(false),
  birpc: async () => (await import("./birpc.js")).birpc,
  "vscode-jsonrpc": async () => (await import("./json-rpc.js")).jsonRpc,
  "tRPC (ws)": async () => (await import("./trpc.js")).trpc,
  "grpc-js": async () => (await import("./grpc.js")).grpc,
};

/** Loads a contestant by its name. */
export function contestantOf(name: string): Promise<CallContestant> {
  const load = CONTESTANTS[name];
  if (load === undefined) throw new Error(`no contestant ${name}; there are: ${Object.keys(CONTESTANTS).join(", ")}`);
  return load();
}
