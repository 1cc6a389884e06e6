import { replaceSection } from "../../../internal/stress/src/report/document.js";
import { PROBLEMS } from "../src/doctor/finding.js";
import { EXIT_CODES, EXIT_MEANINGS } from "../src/exit-code.js";
import type { Command } from "../src/options/command.js";
import { COMMANDS } from "../src/program/table.js";

type AnyOption = Command["options"][string];

const NOTE = "Written by `npm run reports` from";
const forms = new Map<string, Map<string, AnyOption>>();
for (const { options } of COMMANDS) {
  for (const option of Object.values(options)) {
    if (option.group === undefined) continue;
    const group = forms.get(option.group) ?? new Map<string, AnyOption>();
    forms.set(option.group, group.set(option.form, option));
  }
}

/** Returns the page with its generated sections written anew. */
export function renderReference(page: string): string {
  return Object.entries({ "exit codes": exitCodes(), findings: findings(), reference: reference() }).reduce(
    (text, [name, content]) => replaceSection(text, name, content),
    page,
  );
}

function exitCodes(): string {
  const rows = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => {
    const errors = Object.entries(EXIT_CODES).filter(([, exit]) => exit === Number(code));
    return [code, meaning, errors.map(([error]) => error).join(", ")];
  });
  return `${NOTE} exit-code.ts:\n\n${table(["code", "meaning", "errors of the library"], rows)}`;
}

function findings(): string {
  const rows = Object.entries(PROBLEMS).map(([problem, why]) => [`\`${problem}\``, why]);
  return `${NOTE} finding.ts:\n\n${table(["finding", "why it matters"], rows)}`;
}

function reference(): string {
  const groups = [...forms].map(([group, options]) => `### ${group}\n\n${optionTable([...options.values()])}`);
  return [
    `${NOTE} table.ts:`,
    ...COMMANDS.filter(({ isHidden }) => isHidden !== true).map(describeCommand),
    ...groups,
  ].join("\n\n");
}

function describeCommand({ name, form, summary, details, options, examples }: Command): string {
  const all = Object.values(options);
  const groups = [...forms].filter(([, group]) =>
    [...group.keys()].every((one) => all.some(({ form }) => form === one)),
  );
  const own = all.filter(({ group }) => !groups.some(([whole]) => whole === group));
  const also = groups.map(([group]) => `[${group.toLowerCase()}](#${group.toLowerCase()})`).join(", ");
  return [
    `### ipc ${name}`,
    `\`${`ipc ${name} ${form}`.trim()}\`: ${summary}. ${details}`,
    ...(own.length > 0 ? [optionTable(own)] : []),
    `And the options of ${also}.`,
    `\`\`\`sh\n${examples.join("\n")}\n\`\`\``,
  ].join("\n\n");
}

function optionTable(options: readonly AnyOption[]): string {
  return table(
    ["option", "what it does"],
    options.map(({ form, summary }) => [`\`${form}\``, summary]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
