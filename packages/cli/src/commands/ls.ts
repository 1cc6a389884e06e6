import {
  directoriesOf,
  type EndpointInfo,
  type EndpointState,
  inspectEndpoints,
  listSockets,
} from "../connection/endpoint.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { LS_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import type { Style } from "../output/output.js";

const COLUMNS = ["name", "state", "owner", "mode", "pid", "path"] as const;
const STYLES: Readonly<Record<EndpointState, Style>> = {
  listening: "green",
  stale: "yellow",
  refused: "red",
  unknown: "dim",
};

/** `ipc ls`: prints the sockets of this machine, in a table or as JSON Lines. */
export async function run({ options, output }: Invocation<Values<typeof LS_OPTIONS>>): Promise<ExitCode | undefined> {
  if (process.platform === "win32")
    throw new UsageError("ls lists socket files, and Windows has none; use ipc ping NAME");
  const directories = directoriesOf(options.directory);
  const endpoints = await inspectEndpoints(listSockets(directories), options.probe);
  if (endpoints.length === 0) output.note(`no sockets in ${directories.join(" and ")}`);
  if (output.format === "json") {
    for (const endpoint of endpoints) await output.json(endpoint);
  } else if (output.format === "raw") {
    for (const { path } of endpoints) await output.line(path);
  } else if (endpoints.length > 0) {
    for (const line of table(endpoints, (state) => output.style(STYLES[state], state))) await output.line(line);
  }
  return undefined;
}

/** Aligns the cells; the colour of a state takes no room. */
function table(endpoints: readonly EndpointInfo[], color: (state: EndpointState) => string): string[] {
  const rows = endpoints.map((endpoint) => COLUMNS.map((column) => String(endpoint[column] ?? "-")));
  const head = COLUMNS.map((column) => column.toUpperCase());
  const widths = head.map((_, index) => Math.max(...[head, ...rows].map((row) => row[index]?.length ?? 0)));
  return [head, ...rows].map((row, line) => {
    const state = endpoints[line - 1]?.state;
    const cells = row.map((cell, index) => {
      const padding = " ".repeat((widths[index] ?? 0) - cell.length);
      return `${index === 1 && state !== undefined ? color(state) : cell}${padding}`;
    });
    return cells.join("  ").trimEnd();
  });
}
