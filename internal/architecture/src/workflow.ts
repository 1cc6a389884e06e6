import { isScalar, parseDocument, visit } from "yaml";
import { filesUnder, readText } from "./source-tree.js";

type Permissions = Readonly<Record<string, "read" | "write" | "none">>;
type Strings = Readonly<Record<string, unknown>>;

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Strings;
}

export interface Job {
  readonly permissions?: Permissions;
  readonly "timeout-minutes"?: number;
  readonly concurrency?: unknown;
  readonly environment?: string;
  readonly steps: readonly Step[];
}

/** A file of GitHub's workflows. */
export interface Workflow {
  readonly path: string;
  readonly permissions?: Permissions;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
  /** The actions that `uses` names, with the comment behind each: `actions/checkout@08c6… # v5.0.0`. */
  readonly actions: readonly string[];
}

/** Lists the workflows, relative to the top. */
export function listWorkflows(): string[] {
  return filesUnder(".github/workflows", [".yml", ".yaml"]);
}

/** Reads a workflow. @throws YAMLParseError when it is no YAML, or names a key twice */
export function readWorkflow(path: string): Workflow {
  const document = parseDocument(readText(path));
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const actions: string[] = [];
  visit(document, {
    Pair: (_, { key, value }) => {
      if (isScalar(key) && key.value === "uses" && isScalar(value)) actions.push(`${value.value} #${value.comment}`);
    },
  });
  return { path, ...document.toJS(), actions };
}

/** Lists the commands of a job: those of its steps, and those that an action gets to run. */
export function commandsOf({ steps }: Job): string[] {
  const commands = steps.flatMap((step) => [step.run, step.with?.["version"], step.with?.["publish"]]);
  return commands.filter((command) => typeof command === "string");
}

/** Lists what a job may write. */
export function writesOf(job: Job, { permissions = {} }: Workflow): string[] {
  const given = Object.entries(job.permissions ?? permissions);
  return given.filter(([, access]) => access === "write").map(([scope]) => scope);
}
