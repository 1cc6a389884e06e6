import { examineMachine, examineServer } from "../doctor/examination.js";
import { type Finding, PROBLEMS } from "../doctor/finding.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import type { Output, Style } from "../output/output.js";
import { visible } from "../output/visible-text.js";

const INDENT = " ".repeat(8);
const STYLES: Readonly<Record<Finding["state"], Style>> = { ok: "green", warning: "yellow", failed: "red" };

/** `ipc doctor [NAME]`: prints each check with what was seen, why it matters and what mends it. */
export async function run(invocation: Invocation<ClientOptions>): Promise<ExitCode | undefined> {
  const { args, options, output, signal } = invocation;
  const count = { ok: 0, warning: 0, failed: 0 };
  const findings = args[0] === undefined ? examineMachine(options.directory) : examineServer(invocation);
  for await (const finding of findings) {
    if (signal.aborted) break;
    count[finding.state]++;
    await print(output, finding);
  }
  output.note(`${count.ok} ok, ${count.warning} warnings, ${count.failed} failed`);
  return count.failed > 0 ? EXIT.failed : undefined;
}

async function print(output: Output, finding: Finding): Promise<void> {
  const { check, state, problem, path, seen, mend } = finding;
  const why = problem === null ? null : PROBLEMS[problem];
  if (output.format === "json") return output.json({ ...finding, why });
  const title = output.style("bold", problem ?? check);
  await output.line(`${output.style(STYLES[state], state.padEnd(7))} ${title}: ${visible(path)}`);
  await output.paragraph(`${INDENT}${visible(seen)}`, INDENT);
  if (why !== null) await output.paragraph(`  why   ${why}`, INDENT);
  if (mend !== null) await output.paragraph(`  mend  ${visible(mend)}`, INDENT);
}
