import { type Method, method } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import type { ServedMethod } from "./served-method.js";

/** One method in the answer of `ipc.describe`. */
export interface MethodDescription {
  readonly name: string;
  readonly kind: "unary" | "stream";
  readonly idempotent: boolean;
  /** JSON Schemas, where the library of the schema makes them. */
  readonly input?: unknown;
  readonly output?: unknown;
  readonly gives?: unknown;
  readonly takes?: unknown;
  readonly errors?: Readonly<Record<string, unknown>>;
}

const DESCRIBE = method<void, readonly MethodDescription[]>();
const PARTS = ["input", "output", "gives", "takes"] as const;

/** Kept, because every caller may ask for them, and a JSON Schema takes long to make. */
const descriptions = new WeakMap<ServedMethod, MethodDescription>();

/** Makes the reserved method that lists what a peer serves. */
export function describeMethods(list: () => readonly ServedMethod[]): ServedMethod {
  return {
    name: "ipc.describe",
    method: DESCRIBE,
    service: { context: undefined, use: [], exposeErrors: false, isDescribed: false },
    handler: () =>
      list()
        .filter(({ service }) => service.isDescribed)
        .map(descriptionOf),
  };
}

function descriptionOf(served: ServedMethod): MethodDescription {
  const known = descriptions.get(served) ?? describe(served.name, served.method);
  descriptions.set(served, known);
  return known;
}

function describe(name: string, method: Method): MethodDescription {
  const { kind, idempotent, errors } = method;
  const schemas = PARTS.map((part) => [part, jsonSchema(method[part])] as const);
  return {
    name,
    kind,
    idempotent,
    ...Object.fromEntries(schemas.filter(([, schema]) => schema !== undefined)),
    ...(errors && {
      errors: Object.fromEntries([...errors].map(([code, schema]) => [code, jsonSchema(schema) ?? {}])),
    }),
  };
}

/**
 * Returns the JSON Schema of what a schema takes, if its library makes one.
 * @see https://standardschema.dev, `StandardJSONSchemaV1`
 */
function jsonSchema(schema: StandardSchema | undefined): unknown {
  if (schema === undefined) return undefined;
  const props = schema["~standard"] as { jsonSchema?: { input?: (options: { target: string }) => unknown } };
  try {
    return props.jsonSchema?.input?.({ target: "draft-2020-12" });
  } catch {
    // The schema has a part that JSON Schema cannot express.
    return undefined;
  }
}
