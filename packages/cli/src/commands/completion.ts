import { SCRIPTS, type Shell } from "../completion/script.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";

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
