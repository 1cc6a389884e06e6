import { findCandidates } from "../completion/candidate.js";
import { createLookup } from "../completion/lookup.js";
import { FILES_LINE } from "../completion/script.js";
import type { Command, Run } from "../options/command.js";

/**
 * `ipc complete -- WORDS`: prints what may stand at the cursor, a line each: the word, a tab, and a few words about it.
 * @param commands what can be completed
 */
export function completing(commands: readonly Command[]): Run<unknown> {
  return async (invocation) => {
    const { rest, output } = invocation;
    const found = await findCandidates(commands, rest, createLookup(invocation));
    if (found === "files") await output.line(FILES_LINE);
    else for (const { value, summary } of found) await output.line(`${value}\t${summary}`);
    return undefined;
  };
}
