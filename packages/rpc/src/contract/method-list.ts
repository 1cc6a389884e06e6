import { formatValue } from "../format-value.js";
import { NAME_MAX_BYTES } from "../limits.js";
import { type Contract, isMethod, type Method } from "./method.js";

/** The methods of a contract, by full name. A Map, because names come from the peer: `__proto__` is a name as any other. */
export type MethodList = ReadonlyMap<string, Method>;

/** Names that would make a remote object something else: a promise, or an object with its own JSON. */
const NOT_CALLABLE: ReadonlySet<string> = new Set(["then", "toJSON"]);

const lists = new WeakMap<Contract, MethodList>();

/**
 * Lists the methods of a contract, with the names of their namespaces before theirs, joined by dots.
 * @throws TypeError that names the method
 */
export function listMethods(where: string, contract: Contract): MethodList {
  if (typeof contract !== "object" || contract === null || isMethod(contract)) {
    throw new TypeError(`${where}: \`contract\` takes an object of methods, got ${formatValue(contract)}`);
  }
  const known = lists.get(contract);
  if (known !== undefined) return known;
  const methods = new Map<string, Method>();
  collect(where, contract, "", methods, new Set());
  lists.set(contract, methods);
  return methods;
}

/** Encodes the name of a method. @throws TypeError if it is too long: its length on the wire would be another one */
export function encodeName(where: string, name: string): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length <= NAME_MAX_BYTES) return bytes;
  throw new TypeError(
    `${where}: the name \`${name.slice(0, 40)}…\` has ${bytes.length} bytes, limit ${NAME_MAX_BYTES}`,
  );
}

function collect(
  where: string,
  contract: Contract,
  prefix: string,
  methods: Map<string, Method>,
  above: ReadonlySet<Contract>,
): void {
  if (above.has(contract)) throw new TypeError(`${where}: the contract contains itself at \`${prefix.slice(0, -1)}\``);
  const path = new Set(above).add(contract);
  for (const [key, value] of Object.entries(contract)) {
    const name = prefix + key;
    if (key === "" || key.includes(".") || NOT_CALLABLE.has(key) || name.startsWith("ipc.")) {
      throw new TypeError(
        `${where}: \`${name}\` cannot be the name of a method: it is empty, has a dot, starts with \`ipc.\`, or is then or toJSON`,
      );
    }
    encodeName(where, name);
    if (isMethod(value)) methods.set(name, value);
    else if (typeof value === "object" && value !== null) collect(where, value, `${name}.`, methods, path);
    else {
      throw new TypeError(
        `${where}: \`${name}\` takes a method or a namespace, got ${formatValue(value)}; make it with method or stream`,
      );
    }
  }
}
