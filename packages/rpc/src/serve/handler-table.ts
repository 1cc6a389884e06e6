import { type Contract, isMethod } from "../contract/method.js";
import { listMethods } from "../contract/method-list.js";
import { formatValue } from "../format-value.js";
import { describeMethods } from "./describe.js";
import { resolveService, type ServedMethod } from "./served-method.js";

/** The methods that a peer serves, by full name; a Map, so that no name reaches a prototype. */
export class HandlerTable {
  readonly #methods = new Map<string, ServedMethod>();
  /** The table of the manager whose connection this is. */
  #parent: HandlerTable | undefined;

  /** Serves the methods of a manager too; those of this table come first. */
  adopt(parent: HandlerTable): void {
    this.#parent = parent;
  }

  find(name: string): ServedMethod | undefined {
    return this.#methods.get(name) ?? this.#parent?.find(name) ?? this.#reserved(name);
  }

  /** Adds all methods or none. @throws TypeError that names the one that is served already */
  add(methods: readonly ServedMethod[]): void {
    for (const { name } of methods) {
      if (this.find(name) !== undefined) throw new TypeError(`serve: the method \`${name}\` is served already`);
    }
    for (const served of methods) this.#methods.set(served.name, served);
  }

  /** The methods of this table's parent and its own. */
  get list(): readonly ServedMethod[] {
    return [...(this.#parent?.list ?? []), ...this.#methods.values()];
  }

  #reserved(name: string): ServedMethod | undefined {
    return name === "ipc.describe" ? describeMethods(() => this.list) : undefined;
  }
}

/**
 * Finds the handlers of a contract's methods.
 * @throws TypeError that names the method: without a handler, or not in the contract
 */
export function resolveMethods(contract: Contract, options: unknown, handlers: unknown): ServedMethod[] {
  const methods = listMethods("serve", contract);
  const service = resolveService(options);
  const found = [...methods].map(([name, method]) => ({ name, method, service, handler: handlerOf(handlers, name) }));
  assertKnownHandlers(contract, handlers, "");
  return found;
}

function handlerOf(handlers: unknown, name: string): ServedMethod["handler"] {
  let owner: unknown;
  let place = handlers;
  for (const part of name.split(".")) {
    owner = place;
    place = typeof owner === "object" && owner !== null ? (owner as Record<string, unknown>)[part] : undefined;
    // Every object has such a method, so that its handler would be missing without a word.
    if (place === (Object.prototype as unknown as Record<string, unknown>)[part]) place = undefined;
  }
  const handler = place;
  if (typeof handler !== "function") {
    throw new TypeError(`serve: the method \`${name}\` takes a handler, a function, got ${formatValue(handler)}`);
  }
  return (input, call) => Reflect.apply(handler, owner, [input, call]);
}

function assertKnownHandlers(contract: Contract, handlers: unknown, prefix: string): void {
  if (typeof handlers !== "object" || handlers === null) return;
  for (const [key, value] of Object.entries(handlers)) {
    const entry = Object.hasOwn(contract, key) ? contract[key] : undefined;
    if (entry === undefined) throw new TypeError(`serve: the handler \`${prefix}${key}\` is not in the contract`);
    if (!isMethod(entry)) assertKnownHandlers(entry, value, `${prefix}${key}.`);
  }
}
