import type { MethodList } from "../contract/method-list.js";
import type { CallTarget } from "./call-maker.js";

type Call = (target: CallTarget, input: unknown, options: unknown) => Promise<unknown>;

/** Makes the object whose methods call the other side, with namespaces as nested objects. */
export function remoteOf(methods: MethodList, call: Call): object {
  const root = Object.create(null) as Record<string, unknown>;
  for (const [name, { kind, takes, idempotent }] of methods) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let place = root;
    for (const part of path) {
      place[part] ??= Object.create(null) as unknown;
      place = place[part] as Record<string, unknown>;
    }
    const target: CallTarget = {
      name,
      nameBytes: Buffer.from(name),
      kind,
      takesItems: takes !== undefined,
      isIdempotent: idempotent,
    };
    place[last] = (input?: unknown, options?: unknown) => call(target, input, options);
  }
  return root;
}

/**
 * Like `remoteOf`, when only the compiler knows the contract: every name is a method and a namespace, except `then`, `toJSON` and
 * symbols, so that the object is neither a promise nor has its own JSON.
 */
export function untypedRemote(call: Call): object {
  return namespaceOf("", call);
}

function namespaceOf(name: string, call: Call): object {
  const children = new Map<string, object>();
  const target: CallTarget = {
    name,
    nameBytes: Buffer.from(name),
    kind: "unknown",
    takesItems: false,
    isIdempotent: false,
  };
  const callIt = (input?: unknown, options?: unknown): Promise<unknown> => call(target, input, options);
  return new Proxy(name === "" ? Object.create(null) : callIt, {
    get(_, key) {
      if (typeof key === "symbol" || key === "then" || key === "toJSON") return undefined;
      const known = children.get(key);
      if (known !== undefined) return known;
      const child = namespaceOf(name === "" ? key : `${name}.${key}`, call);
      children.set(key, child);
      return child;
    },
    set: () => false,
  });
}
