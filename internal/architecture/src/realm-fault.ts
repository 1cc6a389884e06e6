import { parseSync, Visitor } from "oxc-parser";

/** The timers that a browser, Electron's renderer and jsdom have too: there they return numbers. */
const TIMERS = new Set([
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
]);

/**
 * Lists what goes wrong where a file is loaded in another realm than Node's core, or where its globals are not Node's: `instanceof`
 * a class that the own package does not declare, and timers that are not imported from `node:timers`.
 *
 * @throws SyntaxError when the file does not parse.
 */
export function findRealmFaults(path: string, text: string): string[] {
  const { program, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);

  const own = new Set<string>();
  const imported = new Set<string>();
  const faults: string[] = [];
  const checks: (() => void)[] = [];
  new Visitor({
    ClassDeclaration: ({ id }) => void (id !== null && own.add(id.name)),
    ImportDeclaration({ source, specifiers }) {
      for (const { local } of specifiers) {
        imported.add(local.name);
        if (source.value.startsWith(".")) own.add(local.name);
      }
    },
    BinaryExpression({ operator, right }) {
      if (operator !== "instanceof") return;
      const name = right.type === "Identifier" ? right.name : "(computed)";
      checks.push(() => void (own.has(name) || faults.push(`instanceof ${name}`)));
    },
    CallExpression({ callee }) {
      const name = callee.type === "Identifier" ? callee.name : "";
      if (TIMERS.has(name)) checks.push(() => void (imported.has(name) || faults.push(`global ${name}`)));
    },
    MemberExpression({ object, property }) {
      if (object.type !== "Identifier" || object.name !== "globalThis") return;
      if (property.type === "Identifier" && TIMERS.has(property.name)) faults.push(`global ${property.name}`);
    },
  }).visit(program);
  // A declaration may stand below its use.
  for (const check of checks) check();
  return faults;
}
