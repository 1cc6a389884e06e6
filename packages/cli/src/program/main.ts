import { readFileSync } from "node:fs";
import { types } from "node:util";
import type { CommanderError } from "commander";
import { EXIT, type ExitCode, exitCodeOf } from "../exit-code.js";
import { Output } from "../output/output.js";
import { createParser, type Request } from "./program.js";
import { Stop } from "./stop.js";

/**
 * Runs a command line, and sets the exit code of the process. The process ends when nothing is left to do, so that all output is
 * written.
 */
export async function main(args: readonly string[]): Promise<void> {
  const stop = new Stop();
  let code: ExitCode = EXIT.done;
  const texts = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
  };
  const parser = createParser(readVersion(), texts, async (request) => {
    code = await runCommand(request, stop);
  });
  try {
    await parser.parseAsync(args, { from: "user" });
  } catch (error) {
    code = reportUsage(error);
  }
  process.exitCode = stop.code ?? code;
}

async function runCommand({ command, args, rest, options }: Request, { signal }: Stop): Promise<ExitCode> {
  const output = new Output(options, process, signal);
  try {
    const run = await command.load();
    return (await run({ args, rest, options: options as never, output, signal })) ?? EXIT.done;
  } catch (error) {
    // The end was asked for; what it cut off is not a failure.
    if (!signal.aborted) output.failure(describe(error));
    return exitCodeOf(error);
  }
}

/** Commander has printed its own complaints, and help is none. */
function reportUsage(error: unknown): ExitCode {
  const { name, exitCode } = error as Partial<CommanderError>;
  if (name === "CommanderError") return exitCode === 0 ? EXIT.done : EXIT.usage;
  process.stderr.write(`error: ${describe(error)}\n`);
  return exitCodeOf(error);
}

/** An error of the library or of the arguments by its message, and any other with the place where it was thrown. */
function describe(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") return `${error.message} (${code})`;
  const isExplained = "exitCode" in error || exitCodeOf(error) === EXIT.usage;
  return isExplained ? error.message : (error.stack ?? error.message);
}

function readVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
