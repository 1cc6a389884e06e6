/** A JSON Schema, as far as a type can say it. It comes from a peer, so nothing of it is certain. */
type Schema = Readonly<Record<string, unknown>>;

/**
 * How many parts of a schema become a type; the others are `unknown`. References can repeat a part without end, and so can the names of
 * a list of types; a long text counts as several parts.
 */
const MAX_PARTS = 5_000;
const PART_LENGTH = 100;
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
    if (!isSchema(schema) || depth > MAX_DEPTH || this.#isSpent()) return "unknown";
    const { $ref, const: constant, enum: values, anyOf, oneOf, allOf, type } = schema;
    const inner = (part: unknown): string => this.#typeOf(part, depth + 1);
    if (typeof $ref === "string") return inner(this.#resolve($ref));
    if ("const" in schema) return this.#literal(constant);
    if (Array.isArray(values)) return union(this.#some(values).map((value) => this.#literal(value)));
    const choices = anyOf ?? oneOf;
    if (Array.isArray(choices)) return union(this.#some(choices).map(inner));
    if (Array.isArray(allOf)) return this.#some(allOf).map(inner).map(inParentheses).join(" & ") || "unknown";
    if (Array.isArray(type)) return union(this.#some(type).map((one) => this.#named(one, schema, depth)));
    return this.#named(type, schema, depth);
  }

  /** Counts a part, and returns whether it is one too many. */
  #isSpent(length = 0): boolean {
    this.#parts += 1 + Math.floor(length / PART_LENGTH);
    return this.#parts > MAX_PARTS;
  }

  /** Returns as many elements as can still be parts. */
  #some<T>(list: readonly T[]): readonly T[] {
    return list.slice(0, Math.max(1, MAX_PARTS - this.#parts));
  }

  #literal(value: unknown): string {
    if (typeof value === "object" && value !== null) return "unknown";
    return this.#isSpent(typeof value === "string" ? value.length : 0) ? "unknown" : JSON.stringify(value);
  }

  #named(type: unknown, schema: Schema, depth: number): string {
    if (this.#isSpent()) return "unknown";
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
    return `[${[...this.#some(prefixItems).map((item) => this.#typeOf(item, depth + 1)), ...rest].join(", ")}]`;
  }

  #object({ properties, required, additionalProperties }: Schema, depth: number): string {
    const needed = new Set(Array.isArray(required) ? required : []);
    const members = this.#some(Object.keys(isSchema(properties) ? properties : {})).flatMap((name) =>
      this.#isSpent(name.length)
        ? []
        : [
            `${propertyName(name)}${needed.has(name) ? "" : "?"}: ${this.#typeOf((properties as Schema)[name], depth + 1)}`,
          ],
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

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ") || "never";
}

function inParentheses(type: string): string {
  return / [|&] /.test(type) && !/^[{[]/.test(type) ? `(${type})` : type;
}
