/** What one package may import. Packages by their folder in `packages/`, built-ins without `node:`. */
export interface Arrows {
  readonly runtime: readonly string[];
  readonly typesOnly: readonly string[];
  readonly builtins: readonly string[];
}

/** Who may import whom. Everything else that says so (manifests, references, code, diagram) is held against this. */
export const ARROWS: Readonly<Record<string, Arrows>> = {
  framing: { runtime: [], typesOnly: [], builtins: [] },
  crypto: { runtime: [], typesOnly: [], builtins: ["crypto"] },
  transport: {
    runtime: [],
    typesOnly: [],
    builtins: ["crypto", "fs", "fs/promises", "net", "os", "path", "process", "stream", "timers", "timers/promises"],
  },
  session: {
    runtime: ["framing", "crypto"],
    typesOnly: ["transport"],
    builtins: ["crypto", "diagnostics_channel", "events", "stream", "timers"],
  },
  client: { runtime: ["session", "transport"], typesOnly: [], builtins: ["events", "stream"] },
  server: { runtime: ["session", "transport"], typesOnly: [], builtins: ["events", "stream"] },
  manager: { runtime: ["server", "session", "transport"], typesOnly: [], builtins: ["events", "stream"] },
};

/** Finds the row of a package. */
export function arrowsOf(name: string): Arrows {
  const arrows = ARROWS[name];
  if (arrows === undefined) throw new Error(`packages/${name} has no row in internal/architecture/src/arrows.ts`);
  return arrows;
}
