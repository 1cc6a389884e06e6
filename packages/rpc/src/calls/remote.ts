import { encodeName, type MethodList } from "../contract/method-list.js";
import type { CallTarget } from "./call-maker.js";

export type RemoteCall = (target: CallTarget, input: unknown, options: unknown) => Promise<unknown>;

/** The call target of each function of a remote. */
const targets = new WeakMap<object, CallTarget>();

/** Makes the object whose methods call the other side, with namespaces as nested objects. */
export function remoteOf(methods: MethodList, call: RemoteCall): object {
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
      nameBytes: encodeName("remote", name),
      kind,
      takesItems: takes !== undefined,
      isIdempotent: idempotent,
    };
    const callIt = (input?: unknown, options?: unknown): Promise<unknown> => call(target, input, options);
    targets.set(callIt, target);
    place[last] = callIt;
  }
  return root;
}

/** Returns a remote with the methods of another, which calls by `call`; it costs nothing for the methods that are not called. */
export function remoteBy(remote: object, call: RemoteCall): object {
  return new Proxy(remote, {
    get(owner, key) {
      const place: unknown = Reflect.get(owner, key);
      if (typeof place === "object" && place !== null) return remoteBy(place, call);
      const target = typeof place === "function" ? targets.get(place) : undefined;
      return target && ((input?: unknown, options?: unknown) => call(target, input, options));
    },
    set: () => false,
  });
}

/**
 * Like `remoteOf`, when only the compiler knows the contract: every name is a method and a namespace, except `then`, `toJSON` and
 * symbols, so that the object is neither a promise nor has its own JSON. A name of more than 255 bytes throws a TypeError.
 */
export function untypedRemote(call: RemoteCall): object {
  return namespaceOf("", call);
}

function namespaceOf(name: string, call: RemoteCall): object {
  const children = new Map<string, object>();
  const target: CallTarget = {
    name,
    nameBytes: encodeName("remote", name),
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
