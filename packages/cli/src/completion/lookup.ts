import type { MethodDescription } from "@ipc/rpc";
import type { Command, Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import type { Candidate, Lookup } from "./candidate.js";
import type { CommandLine } from "./command-line.js";

/** Names that a shell may get: a name is a peer's text, which a shell would run or a terminal would obey. */
const METHOD = /^[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*$/;
/** How long a user waits for the names of methods, in milliseconds. */
const PATIENCE_MS = 1_000;

/**
 * Looks names up for the command that completes, which has no options of its own. Each look-up loads what it needs, because a user waits
 * for every completion.
 */
export function createLookup({ output, signal }: Pick<Invocation<unknown>, "output" | "signal">): Lookup {
  return {
    endpoints: async ({ given }) => {
      const [directory] = [given.get("directory")].flatMap((texts) => (typeof texts === "object" ? texts : []));
      // Other commands than `ls` look into the usual directory only.
      return endpointsIn(directory ?? "/tmp");
    },
    methods: async (command, line) => {
      const options = { ...readOptions(command, line), timeout: PATIENCE_MS };
      return listMethods({ args: line.args, rest: [], options, output, signal });
    },
  };
}

/** Returns the methods of a server that a shell can complete; other names are left out. */
export function candidatesOf(methods: readonly MethodDescription[]): Candidate[] {
  return methods.filter(({ name }) => METHOD.test(name)).map(({ name, kind }) => ({ value: name, summary: kind }));
}

async function endpointsIn(directory: string): Promise<Candidate[]> {
  const { directoriesOf, listSockets } = await import("../connection/endpoint.js");
  const names = listSockets(directoriesOf(directory)).map((path) =>
    path.slice(path.lastIndexOf("/") + 1, -".sock".length),
  );
  const isManager = (name: string): boolean =>
    name.endsWith("_manager") && names.includes(name.slice(0, -"_manager".length));
  return [...new Set(names)].filter((name) => !isManager(name)).map((value) => ({ value, summary: "" }));
}

function readOptions({ options }: Command, { given }: CommandLine): ClientOptions {
  const entries = Object.entries(options).map(([key, option]) => [key, option.read(given.get(key))]);
  return Object.fromEntries(entries) as ClientOptions;
}

async function listMethods(invocation: Invocation<ClientOptions>): Promise<Candidate[]> {
  const { options, signal } = invocation;
  const [{ openAddress }, { connectAt }, { describeMethods }] = await Promise.all([
    import("../connection/address.js"),
    import("../connection/connect.js"),
    import("../connection/remote-method.js"),
  ]);
  const address = await openAddress(options);
  try {
    const client = await connectAt(address, invocation, { once: true });
    try {
      const methods = await describeMethods(client, { signal, timeoutMs: PATIENCE_MS });
      return candidatesOf(methods);
    } finally {
      client.destroy();
    }
  } finally {
    await address.release();
  }
}
