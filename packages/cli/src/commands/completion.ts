import { findCandidates } from "../completion/candidate.js";
import { createLookup } from "../completion/lookup.js";
import { FILES_LINE, SCRIPTS, type Shell } from "../completion/script.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import type { Command, Invocation } from "../options/command.js";

/** The action of the scripts: prints what may stand at the cursor. */
const WORDS = "words";

/**
 * `ipc completion bash|zsh|fish`: prints the script of a shell, which asks `ipc completion words -- …` at each completion.
 * @param commands what can be completed
 */
export function completionOf(commands: readonly Command[]) {
  return async (invocation: Invocation<unknown>): Promise<ExitCode | undefined> => {
    const { args, rest, output } = invocation;
    const [shell = ""] = args;
    if (shell === WORDS) await printCandidates(commands, rest, invocation);
    else if (isShell(shell)) await output.bytes(SCRIPTS[shell]);
    else throw new UsageError(`ipc completion takes bash, zsh or fish, got ${JSON.stringify(shell)}`);
    return undefined;
  };
}

async function printCandidates(
  commands: readonly Command[],
  words: readonly string[],
  invocation: Invocation<unknown>,
): Promise<void> {
  const { output } = invocation;
  const found = await findCandidates(commands, words, createLookup(invocation));
  if (found === "files") return output.line(FILES_LINE);
  for (const { value, summary } of found) await output.line(`${value}\t${summary}`);
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(SCRIPTS, text);
}
