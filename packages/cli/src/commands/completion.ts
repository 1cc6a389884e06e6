import { findCandidates } from "../completion/candidate.js";
import { createLookup } from "../completion/lookup.js";
import { FILES_LINE, SCRIPTS, type Shell } from "../completion/script.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import type { Command, Invocation, Run } from "../options/command.js";

/** `ipc completion bash|zsh|fish`: prints the script of a shell, which runs `ipc complete -- …` at each completion. */
export async function run({ args, output }: Invocation<unknown>): Promise<ExitCode | undefined> {
  const [shell = ""] = args;
  if (!isShell(shell)) throw new UsageError(`ipc completion takes bash, zsh or fish, got ${JSON.stringify(shell)}`);
  await output.bytes(SCRIPTS[shell]);
  return undefined;
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(SCRIPTS, text);
}

/**
 * `ipc complete -- WORDS`: prints what may stand at the cursor, a line each: the word, a tab, and a few words about it.
 * @param commands what can be completed
 */
export function completing(commands: readonly Command[]): Run<unknown> {
  return async (invocation) => {
    const { rest, output } = invocation;
    const found = await findCandidates(commands, rest, createLookup(invocation));
    if (found === "files") {
      await output.line(FILES_LINE);
      return undefined;
    }
    for (const { value, summary } of found) {
      if (invocation.signal.aborted) break;
      await output.line(`${value}\t${summary}`);
    }
    return undefined;
  };
}
