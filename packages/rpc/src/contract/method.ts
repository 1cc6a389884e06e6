import { isOwnCode } from "../call-failed.js";
import { formatValue } from "../format-value.js";
import { isSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from "./standard-schema.js";

/**
 * The types of a method, on either side of the wire. They differ where a schema transforms: the caller passes what the input
 * schema takes, and the handler gets what it makes of it.
 */
export interface MethodTypes {
  readonly input: unknown;
  readonly handlerInput: unknown;
  readonly output: unknown;
  readonly handlerOutput: unknown;
  /** Items from the handler to the caller; never if there are none. */
  readonly gives: unknown;
  readonly handlerGives: unknown;
  /** Items from the caller to the handler; never if there are none. */
  readonly takes: unknown;
  readonly handlerTakes: unknown;
  /** Data by code. */
  readonly errors: object;
}

const METHOD: unique symbol = Symbol.for("@ipc/rpc method");

/** One method of a contract, made by `method` or `stream`. */
export interface Method<T extends MethodTypes = MethodTypes> {
  readonly [METHOD]: true;
  /** `stream`: it gives items, and the remote method returns an async iterable. */
  readonly kind: "unary" | "stream";
  readonly input: StandardSchema | undefined;
  readonly output: StandardSchema | undefined;
  readonly gives: StandardSchema | undefined;
  readonly takes: StandardSchema | undefined;
  readonly errors: ReadonlyMap<string, StandardSchema> | undefined;
  readonly idempotent: boolean;
  /** Exists for the compiler only. */
  readonly types?: T;
}

/** A plain object of methods and, as namespaces, of such objects. */
export interface Contract {
  readonly [name: string]: Method | Contract;
}

/** The argument of `method`: a Standard Schema for each part that is to be validated. */
export interface MethodDefinition {
  readonly input?: StandardSchema;
  readonly output?: StandardSchema;
  /** Items from the handler to the caller, before the output. */
  readonly gives?: StandardSchema;
  /** Items from the caller to the handler. */
  readonly takes?: StandardSchema;
  /** The data of each error that the handler may report; a code has 1 … 64 bytes and does not start with `ipc.`. */
  readonly errors?: Readonly<Record<string, StandardSchema>>;
  /** Whether the call may be repeated on the next connection when this one is lost before its first item. @default false */
  readonly idempotent?: boolean;
}

type InputOf<S, Absent> = S extends StandardSchema ? SchemaInput<S> : Absent;
type OutputOf<S, Absent> = S extends StandardSchema ? SchemaOutput<S> : Absent;

export interface DefinedTypes<D extends MethodDefinition> {
  readonly input: InputOf<D["input"], void>;
  readonly handlerInput: OutputOf<D["input"], undefined>;
  readonly output: OutputOf<D["output"], void>;
  readonly handlerOutput: InputOf<D["output"], void>;
  readonly gives: OutputOf<D["gives"], never>;
  readonly handlerGives: InputOf<D["gives"], never>;
  readonly takes: InputOf<D["takes"], never>;
  readonly handlerTakes: OutputOf<D["takes"], never>;
  readonly errors: D["errors"] extends Readonly<Record<string, StandardSchema>>
    ? { readonly [K in keyof D["errors"]]: SchemaOutput<D["errors"][K]> }
    : Record<never, never>;
}

export interface PlainTypes<Input, Gives, Output, Takes, Errors extends object> {
  readonly input: Input;
  // biome-ignore lint/suspicious/noConfusingVoidType: a method without an input has the type void.
  readonly handlerInput: [Input] extends [void] ? undefined : Input;
  readonly output: Output;
  readonly handlerOutput: Output;
  readonly gives: Gives;
  readonly handlerGives: Gives;
  readonly takes: Takes;
  readonly handlerTakes: Takes;
  readonly errors: Errors;
}

export type Untyped = PlainTypes<unknown, never, unknown, never, Record<never, never>>;
export type UntypedStream = PlainTypes<unknown, unknown, unknown, never, Record<never, never>>;

/** Options of a method that is typed only. */
export interface PlainOptions {
  /** Whether the call may be repeated on the next connection when this one is lost before its first item. @default false */
  readonly idempotent?: boolean;
}

const KEYS: readonly (keyof MethodDefinition)[] = ["input", "output", "gives", "takes", "errors", "idempotent"];

/**
 * Defines a method: by types alone, which nothing checks at run time, or by Standard Schemas, with which the side that serves it
 * validates inputs, items and outputs. With neither, as in plain JavaScript, it takes and returns anything.
 * @throws TypeError
 */
export function method(options?: PlainOptions): Method<Untyped>;
export function method<Input = void, Output = void, Errors extends object = Record<never, never>>(
  options?: PlainOptions,
): Method<PlainTypes<Input, never, Output, never, Errors>>;
export function method<const D extends MethodDefinition>(definition: D): Method<DefinedTypes<D>>;
export function method(definition: MethodDefinition = {}): Method {
  return define("method", definition, definition.gives === undefined ? "unary" : "stream");
}

/**
 * Defines a method by types alone that gives items and then an output; with `Takes`, it takes items too.
 * @throws TypeError
 */
export function stream(options?: PlainOptions): Method<UntypedStream>;
export function stream<Input, Gives, Output = void, Takes = never, Errors extends object = Record<never, never>>(
  options?: PlainOptions,
): Method<PlainTypes<Input, Gives, Output, Takes, Errors>>;
export function stream(options: PlainOptions = {}): Method {
  return define("stream", options, "stream");
}

/** Returns whether a value was made by `method` or `stream`, also by another copy of this package. */
export function isMethod(value: unknown): value is Method {
  return typeof value === "object" && value !== null && (value as Partial<Method>)[METHOD] === true;
}

function define(where: string, definition: MethodDefinition, kind: Method["kind"]): Method {
  if (typeof definition !== "object" || definition === null) {
    throw new TypeError(`${where}: takes an object of schemas, got ${formatValue(definition)}`);
  }
  for (const key of Object.keys(definition)) {
    if (!(KEYS as readonly string[]).includes(key)) {
      throw new TypeError(`${where}: unknown option \`${key}\`; known options: ${KEYS.join(", ")}`);
    }
  }
  const schema = (name: string, value: unknown): StandardSchema | undefined => {
    if (value === undefined || isSchema(value)) return value;
    throw new TypeError(`${where}: \`${name}\` takes a Standard Schema, got ${formatValue(value)}`);
  };
  const { input, output, gives, takes, errors, idempotent = false } = definition;
  if (typeof idempotent !== "boolean") {
    throw new TypeError(`${where}: \`idempotent\` takes true or false, got ${formatValue(idempotent)}`);
  }
  if (takes !== undefined && idempotent) {
    throw new TypeError(`${where}: \`takes\` and \`idempotent\` exclude each other: items cannot be sent again`);
  }
  return Object.freeze({
    [METHOD]: true as const,
    kind,
    input: schema("input", input),
    output: schema("output", output),
    gives: schema("gives", gives),
    takes: schema("takes", takes),
    errors: errors === undefined ? undefined : errorSchemas(where, errors, schema),
    idempotent,
  });
}

function errorSchemas(
  where: string,
  errors: Readonly<Record<string, unknown>>,
  schema: (name: string, value: unknown) => StandardSchema | undefined,
): ReadonlyMap<string, StandardSchema> {
  if (typeof errors !== "object" || errors === null) {
    throw new TypeError(`${where}: \`errors\` takes an object of schemas, got ${formatValue(errors)}`);
  }
  const schemas = new Map<string, StandardSchema>();
  for (const [code, value] of Object.entries(errors)) {
    if (!isOwnCode(code)) {
      throw new TypeError(
        `${where}: \`errors\` takes codes of 1 … 64 bytes that do not start with \`ipc.\`, got ${formatValue(code)}`,
      );
    }
    const checked = schema(`errors.${code}`, value);
    if (checked === undefined)
      throw new TypeError(`${where}: \`errors.${code}\` takes a Standard Schema, got undefined`);
    schemas.set(code, checked);
  }
  return schemas;
}
