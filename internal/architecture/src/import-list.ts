import { parseSync, Visitor } from "oxc-parser";

/** One place where a file names another module. */
export interface ModuleImport {
  /** As written, or `COMPUTED` when it is an expression. */
  readonly specifier: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** Stands for a specifier that only a run could tell. */
export const COMPUTED = "(computed)";

/**
 * Lists every module that a TypeScript file names: imports, re-exports, `import()`, `process.getBuiltinModule()` and `import("…")`
 * types.
 *
 * `import { type X } from "y"` counts as a run-time import: under verbatimModuleSyntax the module is still loaded.
 *
 * @throws SyntaxError when the file does not parse.
 */
export function listImports(path: string, text: string): ModuleImport[] {
  const { program, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);

  const found: ModuleImport[] = [];
  const add = (specifier: unknown, typeOnly: boolean): void => {
    found.push({ specifier: typeof specifier === "string" ? specifier : COMPUTED, typeOnly });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.importKind === "type"),
    ExportAllDeclaration: (node) => add(node.source.value, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node.source.value, node.exportKind === "type");
    },
    ImportExpression: (node) => add(node.source.type === "Literal" ? node.source.value : undefined, false),
    CallExpression: ({ callee, arguments: [name] }) => {
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      if (callee.property.name !== "getBuiltinModule") return;
      add(name?.type === "Literal" ? name.value : undefined, false);
    },
    TSExternalModuleReference: (node) => add(node.expression.value, false),
    TSImportType: (node) => add(node.source.value, true),
  }).visit(program);
  return found;
}
