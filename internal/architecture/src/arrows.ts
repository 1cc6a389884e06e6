/** The imports that one package may have. Packages by their folder in `packages/`, built-ins without `node:`. */
export interface Arrows {
  readonly runtime: readonly string[];
  readonly typesOnly: readonly string[];
  readonly builtins: readonly string[];
  /** Packages of other authors, which only a command may have. */
  readonly foreign?: readonly string[];
}

/** The imports between packages. Manifests, compiler references, code and the diagram are checked against this table. */
export const ARROWS: Readonly<Record<string, Arrows>> = {
  framing: { runtime: [], typesOnly: [], builtins: [] },
  crypto: { runtime: [], typesOnly: [], builtins: ["crypto", "util", "worker_threads"] },
  transport: {
    runtime: [],
    typesOnly: [],
    builtins: [
      "cluster",
      "crypto",
      "events",
      "fs",
      "fs/promises",
      "net",
      "os",
      "path",
      "process",
      "stream",
      "timers",
      "timers/promises",
      "util",
      "worker_threads",
    ],
  },
  session: {
    runtime: ["framing", "crypto", "transport"],
    typesOnly: [],
    builtins: ["crypto", "diagnostics_channel", "events", "stream", "timers", "util", "worker_threads"],
  },
  client: {
    runtime: ["session", "transport"],
    typesOnly: [],
    builtins: ["events", "stream", "timers", "timers/promises"],
  },
  server: { runtime: ["session", "transport"], typesOnly: [], builtins: ["events", "stream", "timers/promises"] },
  manager: { runtime: ["server", "session", "transport"], typesOnly: [], builtins: ["events", "stream", "timers"] },
  rpc: { runtime: [], typesOnly: ["session"], builtins: ["async_hooks", "diagnostics_channel", "timers"] },
  "transport-nats": {
    runtime: ["transport"],
    typesOnly: [],
    builtins: ["crypto", "stream", "timers", "timers/promises"],
  },
  cli: {
    runtime: ["client", "manager", "rpc", "transport", "transport-nats"],
    typesOnly: [],
    builtins: ["buffer", "child_process", "crypto", "fs", "path", "stream", "timers", "timers/promises", "util"],
    foreign: ["commander", "@nats-io/transport-node"],
  },
};

/** Finds the row of a package. */
export function arrowsOf(name: string): Arrows {
  const arrows = ARROWS[name];
  if (arrows === undefined) throw new Error(`packages/${name} has no row in internal/architecture/src/arrows.ts`);
  return arrows;
}

/**
 * The imports between the folders of a package's `src`; "." is the root, entry points excepted. A folder that has no row here
 * imports from its own files only. The rows are in an order in which each imports from earlier ones only, so there is no cycle.
 */
export const FOLDER_ARROWS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  transport: {
    fs: ["."],
    net: ["."],
    unix: [".", "fs", "net"],
    memory: [".", "net"],
    single: [".", "net"],
    "key-file": [".", "fs"],
  },
  session: {
    scheduling: ["."],
    codec: [".", "scheduling"],
    negotiation: ["."],
    inbox: ["."],
    options: [".", "negotiation"],
    resume: [".", "scheduling", "codec", "inbox", "options"],
    handshake: [".", "scheduling", "codec", "negotiation", "resume"],
    heartbeat: [],
    output: [".", "scheduling", "codec", "resume"],
    connection: [".", "scheduling", "codec", "negotiation", "heartbeat", "output", "resume"],
    lifecycle: [".", "codec", "handshake", "heartbeat", "output", "connection", "inbox", "options", "resume"],
  },
  rpc: {
    wire: ["."],
    contract: ["."],
    streams: [".", "wire"],
    link: [".", "wire"],
    calls: [".", "wire", "contract", "streams", "link"],
    serve: [".", "wire", "contract", "streams", "link", "calls"],
    layer: [".", "wire", "contract", "streams", "link", "calls", "serve"],
    "json-rpc": [".", "link"],
  },
  cli: {
    input: ["."],
    contract: [],
    process: ["."],
    output: [],
    options: [".", "output"],
    connection: [".", "options", "output"],
    doctor: [".", "options", "connection"],
    key: [".", "connection"],
    completion: ["options", "connection"],
    commands: [".", "input", "contract", "process", "output", "options", "connection", "doctor", "key", "completion"],
    program: [".", "output", "options", "commands"],
  },
};
