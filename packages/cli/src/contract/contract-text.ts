import { types } from "node:util";
import type { MethodDescription } from "@ipc/rpc";
import { propertyName, SchemaType } from "./schema-type.js";

/** Methods by the parts of their names. */
type Tree = Map<string, Tree | MethodDescription>;

/** Writes the signature of a method for people: `get(input: { id: number }): { total: number }`. */
export function signatureOf({ name, kind, input, output, gives, takes }: MethodDescription): string {
  const items = takes === undefined ? "" : `, items: ${SchemaType.of(takes)}`;
  const stream = kind === "stream" ? `items ${SchemaType.of(gives)}, then ` : "";
  return `${name}(input: ${SchemaType.of(input)}${items}): ${stream}${SchemaType.of(output)}`;
}

/** Writes a contract for `@ipc/rpc` from what a server says of its methods. */
export function contractOf(name: string, methods: readonly MethodDescription[]): string {
  const root: Tree = new Map();
  for (const method of methods) {
    const path = method.name.split(".");
    const last = path.pop() ?? "";
    let place = root;
    for (const part of path) {
      const known = place.get(part);
      const next: Tree = types.isMap(known) ? known : new Map();
      place.set(part, next);
      place = next;
    }
    place.set(last, method);
  }
  const makers = ["method", "stream"].filter((maker) => methods.some((method) => makerOf(method) === maker));
  return [
    `import { ${makers.join(", ")} } from "@ipc/rpc";`,
    "",
    `/** The methods of the server \`${name}\`, as it describes them; a type without a schema is unknown. */`,
    `export const ${identifierOf(name)} = {`,
    ...lines(root, "  "),
    "};",
  ].join("\n");
}

function lines(tree: Tree, indent: string): string[] {
  return [...tree].flatMap(([name, entry]) =>
    types.isMap(entry)
      ? [`${indent}${propertyName(name)}: {`, ...lines(entry, `${indent}  `), `${indent}},`]
      : [`${indent}${propertyName(name)}: ${methodOf(entry)},`],
  );
}

function methodOf(method: MethodDescription): string {
  const { input, output, gives, takes, errors, idempotent } = method;
  const codes = Object.entries(errors ?? {}).map(([code, data]) => `${propertyName(code)}: ${SchemaType.of(data)}`);
  const failures = codes.length === 0 ? [] : [`{ ${codes.join("; ")} }`];
  const options = idempotent === true ? "{ idempotent: true }" : "";
  if (makerOf(method) === "method") {
    return `method<${[SchemaType.of(input), SchemaType.of(output), ...failures].join(", ")}>(${options})`;
  }
  const items = gives === undefined && method.kind === "unary" ? "never" : SchemaType.of(gives);
  const taken = takes === undefined ? (failures.length === 0 ? [] : ["never"]) : [SchemaType.of(takes)];
  return `stream<${[SchemaType.of(input), items, SchemaType.of(output), ...taken, ...failures].join(", ")}>(${options})`;
}

function makerOf({ kind, takes }: MethodDescription): "method" | "stream" {
  return kind === "stream" || takes !== undefined ? "stream" : "method";
}

function identifierOf(name: string): string {
  const words = name.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, letter?: string) => letter?.toUpperCase() ?? "");
  return /^\d/.test(words) ? `_${words}` : words;
}
