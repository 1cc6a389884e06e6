/** A JSON Schema, as far as a type can say it. It comes from a peer, so nothing of it is certain. */
type Schema = Readonly<Record<string, unknown>>;

/** How many parts of a schema become a type; the others are `unknown`. References can repeat a part without end. */
const MAX_PARTS = 5_000;
const MAX_DEPTH = 24;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Writes JSON Schemas as types of TypeScript. */
export class SchemaType {
  readonly #root: Schema;
  #parts = 0;

  private constructor(root: Schema) {
    this.#root = root;
  }

  /** Returns the type of what a schema accepts, on one line; `unknown` for no schema and for what a type cannot say. */
  static of(schema: unknown): string {
    return isSchema(schema) ? new SchemaType(schema).#typeOf(schema, 0) : "unknown";
  }

  #typeOf(schema: unknown, depth: number): string {
    if (!isSchema(schema) || depth > MAX_DEPTH || ++this.#parts > MAX_PARTS) return "unknown";
    const { $ref, const: constant, enum: values, anyOf, oneOf, allOf, type } = schema;
    const inner = (part: unknown): string => this.#typeOf(part, depth + 1);
    if (typeof $ref === "string") return inner(this.#resolve($ref));
    if ("const" in schema) return literal(constant);
    if (Array.isArray(values)) return union(values.map(literal));
    const choices = anyOf ?? oneOf;
    if (Array.isArray(choices)) return union(choices.map(inner));
    if (Array.isArray(allOf)) return allOf.map(inner).map(inParentheses).join(" & ") || "unknown";
    if (Array.isArray(type)) return union(type.map((one) => this.#named(one, schema, depth)));
    return this.#named(type, schema, depth);
  }

  #named(type: unknown, schema: Schema, depth: number): string {
    switch (type) {
      case "string":
      case "boolean":
      case "null":
        return type;
      case "number":
      case "integer":
        return "number";
      case "array":
        return this.#array(schema, depth);
      case "object":
        return this.#object(schema, depth);
      default:
        return "unknown";
    }
  }

  #array({ prefixItems, items }: Schema, depth: number): string {
    if (!Array.isArray(prefixItems)) return `${inParentheses(this.#typeOf(items, depth + 1))}[]`;
    const rest = isSchema(items) ? [`...${inParentheses(this.#typeOf(items, depth + 1))}[]`] : [];
    return `[${[...prefixItems.map((item) => this.#typeOf(item, depth + 1)), ...rest].join(", ")}]`;
  }

  #object({ properties, required, additionalProperties }: Schema, depth: number): string {
    const needed = new Set(Array.isArray(required) ? required : []);
    const members = Object.entries(isSchema(properties) ? properties : {}).map(
      ([name, part]) => `${propertyName(name)}${needed.has(name) ? "" : "?"}: ${this.#typeOf(part, depth + 1)}`,
    );
    if (members.length > 0) return `{ ${members.join("; ")} }`;
    return `Record<string, ${isSchema(additionalProperties) ? this.#typeOf(additionalProperties, depth + 1) : "unknown"}>`;
  }

  /** Finds what a reference within the schema leads to: `#/$defs/Order`. */
  #resolve(reference: string): unknown {
    if (!reference.startsWith("#")) return undefined;
    let place: unknown = this.#root;
    for (const step of reference.slice(1).split("/").filter(Boolean)) {
      const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
      place = isSchema(place) && Object.hasOwn(place, key) ? place[key] : undefined;
    }
    return place;
  }
}

/** Returns a name as a property of an object type or a literal has it. */
export function propertyName(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function literal(value: unknown): string {
  return typeof value === "object" && value !== null ? "unknown" : JSON.stringify(value);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ") || "never";
}

function inParentheses(type: string): string {
  return / [|&] /.test(type) && !/^[{[]/.test(type) ? `(${type})` : type;
}
