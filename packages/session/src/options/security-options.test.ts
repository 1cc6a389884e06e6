import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { inspect } from "node:util";
import { decodeIdentityKey, encodeIdentityKey } from "@ipc/crypto";
import { describe, expect, test } from "vitest";
import { type ResolvedSecurity, resolveSecurity, type SecurityOptions } from "./security-options.js";

const mine = generateKeyPairSync("ed25519");
const theirs = generateKeyPairSync("ed25519");
const psk = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

type Role = "client" | "server";

/** Options that no type checker has seen. */
function resolve(role: Role, options: unknown, encryption = true): ResolvedSecurity {
  return resolveSecurity(
    role === "client" ? "startClient" : "startServer",
    role,
    options as SecurityOptions,
    encryption,
  );
}

const PEM = `${mine.privateKey.export({ format: "pem", type: "pkcs8" })}`;
const SECRET = "correct horse battery staple";
const ED25519 = "as a KeyObject";
const PSK = "`security.psk` takes 32 random bytes";

const WRONG_KIND: readonly (readonly [Role, unknown, string])[] = [
  ["server", "psk", "startServer: security: takes an object of options, got a string"],
  ["server", null, "startServer: security: takes an object of options, got null"],
  ["client", { key: psk(1) }, "startClient: security: unknown option `key`; known options: wire, psk, identity"],
  ["client", SECRET, "takes an object of options, got a string"],
  ["client", { wire: SECRET }, "`wire` takes"],
  ["client", { require: SECRET }, "`require` takes true or false, got a string"],
  ["client", { PSK: psk(1) }, "unknown option `PSK`"],
  ["client", { wire: "ipcx" }, 'startClient: security: `wire` takes "auto", "golang-ipc", got a string'],
  ["client", { wire: null }, "`wire` takes"],
  ["client", { psk: SECRET }, `startClient: ${PSK}, got a string`],
  ["server", { psk: SECRET }, `startServer: ${PSK}, or a list of up to 4 such keys, got a string`],
  ["server", { psk: [psk(1), SECRET] }, `${PSK}, or a list of up to 4 such keys, got a string`],
  ["client", { psk: psk(1).buffer }, `${PSK}, got an object`],
  ["client", { psk: createSecretKey(psk(1)) }, `${PSK}, got an object`],
  ["client", { psk: null }, `${PSK}, got null`],
  ["client", { psk: 123_456_789n }, `${PSK}, got a bigint`],
  ["client", { psk: 123_456_789 }, `${PSK}, got a number`],
  ["client", { psk: [undefined] }, `${PSK}, got undefined`],
  // biome-ignore lint/suspicious/noSparseArray: that is what `delete keys[0]` leaves.
  ["client", { psk: [,] }, `${PSK}, got undefined`],
  // biome-ignore lint/suspicious/noSparseArray: as above.
  ["server", { psk: [, psk(1)] }, `${PSK}, or a list of up to 4 such keys, got undefined`],
  ["server", { psk: undefined }, "`security.psk` is undefined; omit the option to use no key"],
  ["client", { identity: undefined }, "`security.identity` is undefined; omit the option"],
  ["server", { trustedPeers: undefined, psk: psk(1) }, "`security.trustedPeers` is undefined; omit the option"],
  ["client", { keyFile: undefined }, "`security.keyFile` is undefined; omit the option"],
  ["client", { psk: Symbol(SECRET) }, `${PSK}, got a symbol`],
  ["client", { identity: "key" }, `\`security.identity\` takes an Ed25519 private key ${ED25519}, got a string`],
  ["client", { identity: psk(1) }, `\`security.identity\` takes an Ed25519 private key ${ED25519}, got an object`],
  ["client", { identity: null }, `\`security.identity\` takes an Ed25519 private key ${ED25519}, got null`],
  ["client", { identity: mine.publicKey }, `private key ${ED25519}, got a public key of type ed25519`],
  ["client", { identity: createSecretKey(psk(1)) }, `private key ${ED25519}, got a secret key`],
  [
    "client",
    { identity: generateKeyPairSync("x25519").privateKey },
    `private key ${ED25519}, got a private key of type x25519`,
  ],
  ["server", { trustedPeers: theirs.publicKey }, "`security.trustedPeers` takes a list of Ed25519 public keys"],
  ["server", { trustedPeers: [] }, "`security.trustedPeers` takes a list of Ed25519 public keys, at least one"],
  ["server", { trustedPeers: null }, "`security.trustedPeers` takes a list of Ed25519 public keys"],
  [
    "server",
    { trustedPeers: [undefined] },
    `\`security.trustedPeers[0]\` takes an Ed25519 public key ${ED25519} or its 32 raw bytes, got undefined`,
  ],
  [
    "server",
    // biome-ignore lint/suspicious/noSparseArray: as above.
    { trustedPeers: [, theirs.publicKey] },
    `\`security.trustedPeers[0]\` takes an Ed25519 public key ${ED25519} or its 32 raw bytes, got undefined`,
  ],
  ["client", { identity: PEM }, `private key ${ED25519}, got a string`],
  ["server", { trustedPeers: PEM }, "public keys, at least one, got a string"],
  ["server", { trustedPeers: [PEM] }, `public key ${ED25519} or its 32 raw bytes, got a string`],
  [
    "server",
    { trustedPeers: [theirs.privateKey] },
    `public key ${ED25519} or its 32 raw bytes, got a private key of type ed25519`,
  ],
  [
    "server",
    { trustedPeers: [theirs.publicKey, psk(1).subarray(1)] },
    `\`security.trustedPeers[1]\` takes an Ed25519 public key ${ED25519} or its 32 raw bytes, got 31 bytes`,
  ],
  ["client", { trustedPeers: [psk(1).buffer] }, "or its 32 raw bytes, got an object"],
  [
    "client",
    { trustedPeers: [theirs.publicKey, new Uint8Array(32)] },
    "startClient: `security.trustedPeers[1]` is a point of small order or no canonical encoding, so that anyone could sign for it; pass the public key of a generated Ed25519 pair",
  ],
  [
    "server",
    { trustedPeers: [decodeIdentityKey(new Uint8Array(32))] },
    "`security.trustedPeers[0]` is a point of small order",
  ],
  ["server", { keyFile: "" }, "`security.keyFile` takes true or the path of a file, got a string"],
  ["server", { keyFile: 1 }, "`security.keyFile` takes true or the path of a file, got a number"],
  ["server", { keyFile: null }, "`security.keyFile` takes true or the path of a file, got null"],
  ["server", { require: "yes" }, "startServer: security: `require` takes true or false, got a string"],
];

const OUT_OF_RANGE: readonly (readonly [Role, unknown, string])[] = [
  ["client", { psk: new Uint8Array(31) }, `${PSK}, got 31 bytes`],
  ["client", { psk: new Uint8Array(33) }, `${PSK}, got 33 bytes`],
  ["client", { psk: new Uint8Array(0) }, `${PSK}, got 0 bytes`],
  ["client", { psk: psk(0) }, `${PSK}, got zeros`],
  ["server", { psk: [psk(1), psk(0)] }, "got zeros"],
  ["client", { psk: [] }, `${PSK}, got 0`],
  ["client", { psk: [psk(1), psk(2)] }, `${PSK}, got 2`],
  ["client", { psk: psk(1), keyFile: true }, `${PSK}, the key file's among them, got 1 besides the key file`],
  ["server", { psk: [] }, `${PSK}, or a list of up to 4 such keys, got 0`],
  ["server", { psk: [1, 2, 3, 4, 5].map(psk) }, `${PSK}, or a list of up to 4 such keys, got 5`],
  ["server", { psk: [1, 2, 3, 4].map(psk), keyFile: true }, "got 4 besides the key file"],
  ["server", { psk: [psk(1), new Uint8Array(16)] }, "got 16 bytes"],
  ["client", { psk: Array.from(psk(0x73)) }, `${PSK}, got 32`],
];

describe("security rejects", () => {
  /** In titles the message stands for what was given: that may be a key, and another one each time. */
  const titled = (cases: typeof WRONG_KIND): [Role, string, unknown][] =>
    cases.map(([role, options, message]) => [role, message, options]);

  test.each(titled(WRONG_KIND))("at a %s, with a TypeError: %s", (role, message, options) => {
    expect(() => resolve(role, options)).toThrow(TypeError);
    expect(() => resolve(role, options)).toThrow(message);
  });

  test.each(titled(OUT_OF_RANGE))("at a %s, with a RangeError: %s", (role, message, options) => {
    expect(() => resolve(role, options)).toThrow(RangeError);
    expect(() => resolve(role, options)).toThrow(message);
  });

  const KEYS: readonly (readonly [string, object])[] = [
    ["a psk", { psk: psk(1) }],
    ["a psk, though not required", { psk: psk(1), require: false }],
    ["an identity", { identity: mine.privateKey }],
    ["trusted peers", { trustedPeers: [theirs.publicKey] }],
    ["a key file", { keyFile: true }],
    ["a key file at a path", { keyFile: "/run/orders.key" }],
    ["`require` alone", { require: true }],
  ];

  test.each(KEYS)("%s beside `encryption: false`, because nothing would be secret", (_what, options) => {
    for (const role of ["client", "server"] as const) {
      expect(() => resolve(role, options, false)).toThrow(TypeError);
      expect(() => resolve(role, options, false)).toThrow("cannot be combined with `encryption: false`");
    }
  });

  test.each(KEYS)('%s beside `wire: "golang-ipc"`, which has no use for it', (_what, options) => {
    for (const role of ["client", "server"] as const) {
      expect(() => resolve(role, { ...options, wire: "golang-ipc" })).toThrow(TypeError);
      expect(() => resolve(role, { ...options, wire: "golang-ipc" })).toThrow(
        'cannot be combined with `wire: "golang-ipc"`',
      );
    }
  });

  test("invalid keys, and never shows a key or the value given for one", () => {
    const secret = Buffer.from(SECRET);
    const number = BigInt(`0x${secret.toString("hex")}`);
    const traces = [SECRET, secret.toString("hex"), secret.join(), secret.join(", "), `${number}`, PEM.slice(28, 48)];
    const given = [SECRET, PEM, secret, [...secret], number, [SECRET, PEM], { secret: SECRET }, () => SECRET];
    for (const value of given) {
      for (const options of [
        { psk: value },
        { psk: [value] },
        { identity: value },
        { trustedPeers: value },
        { trustedPeers: [value] },
      ]) {
        for (const role of ["client", "server"] as const) {
          const shown = inspect(
            errorOf(() => resolve(role, options)),
            { depth: 9, showHidden: true },
          );
          for (const trace of traces) expect(shown).not.toContain(trace);
        }
      }
    }
  });
});

describe("security accepts", () => {
  test("no options: a secure session without keys, which is not required", () => {
    for (const options of [
      undefined,
      {},
      { wire: "auto" },
      { keyFile: false },
      { wire: undefined, require: undefined },
    ]) {
      for (const encryption of [true, false]) {
        expect(resolve("server", options, encryption)).toMatchObject({
          keyFile: false,
          credentials: { supportsSecure: true, psks: [], identity: undefined, trustedPeers: undefined, require: false },
        });
      }
    }
  });

  test('`wire: "golang-ipc"`: no secure session with any peer', () => {
    for (const encryption of [true, false]) {
      expect(resolve("client", { wire: "golang-ipc" }, encryption).credentials.supportsSecure).toBe(false);
    }
  });

  test("one psk at a client, up to four at a server, alone or as a list, the key file's among them", () => {
    const count = (role: Role, options: object): number => resolve(role, options).credentials.psks.length;
    expect(count("client", { psk: psk(1) })).toBe(1);
    expect(count("client", { psk: [psk(1)] })).toBe(1);
    expect(count("client", { keyFile: true })).toBe(0);
    expect(count("server", { psk: Buffer.alloc(32, 1) })).toBe(1);
    for (const length of [1, 2, 3, 4]) {
      expect(count("server", { psk: Array.from({ length }, (_, at) => psk(at + 1)) })).toBe(length);
    }
    expect(count("server", { psk: [1, 2, 3].map(psk), keyFile: true })).toBe(3);
  });

  test("an identity, trusted peers by their raw bytes, and a key file's path", () => {
    const options = { identity: mine.privateKey, trustedPeers: [theirs.publicKey, mine.publicKey], keyFile: "/k" };
    const { credentials, keyFile } = resolve("server", options);
    expect(credentials.identity).toBe(mine.privateKey);
    expect(credentials.trustedPeers).toEqual([theirs, mine].map(({ publicKey }) => encodeIdentityKey(publicKey)));
    expect(keyFile).toBe("/k");
  });

  test("trusted peers as 32 raw bytes, copied, beside KeyObjects", () => {
    const raw = Buffer.from(encodeIdentityKey(theirs.publicKey));
    const { trustedPeers } = resolve("client", {
      trustedPeers: [mine.publicKey, raw, new Uint8Array(raw)],
    }).credentials;
    raw.fill(0);
    const [first, ...others] = trustedPeers ?? [];
    expect(first).toEqual(encodeIdentityKey(mine.publicKey));
    expect(others).toEqual([encodeIdentityKey(theirs.publicKey), encodeIdentityKey(theirs.publicKey)]);
    for (const key of others) expect(Object.getPrototypeOf(key)).toBe(Uint8Array.prototype);
  });

  test.each([
    ["a psk", { psk: psk(1) }],
    ["a key file", { keyFile: true }],
    ["an identity", { identity: mine.privateKey }],
    ["trusted peers", { trustedPeers: [theirs.publicKey] }],
  ])("`require` from the first key on: %s, and its absence only when that is requested", (_what, options) => {
    for (const role of ["client", "server"] as const) {
      expect(resolve(role, options).credentials.require).toBe(true);
      expect(resolve(role, { ...options, require: false }).credentials.require).toBe(false);
    }
  });

  test("`require` without a key: a secure session, and each side anonymous", () => {
    expect(resolve("server", { require: true }).credentials).toMatchObject({ require: true, psks: [] });
  });

  test("a copy of a psk, so that the caller may wipe the original", () => {
    const bytes = psk(7);
    const { credentials } = resolve("client", { psk: bytes });
    bytes.fill(0);
    expect(credentials.psks[0]?.export().equals(psk(7))).toBe(true);
  });

  test("options once: its result is frozen, and shows no key", () => {
    const list = [psk(0x51), psk(0x52)];
    const resolved = resolve("server", { psk: list, identity: mine.privateKey, trustedPeers: [theirs.publicKey] });
    const { credentials } = resolved;
    expect([resolved, credentials, credentials.psks, credentials.trustedPeers].map(Object.isFrozen)).toEqual(
      new Array(4).fill(true),
    );
    const shown = inspect(resolved, { depth: 9, showHidden: true });
    expect(shown).not.toMatch(/51(, 0x|, |)?51|81, 81/);
    expect(shown).not.toContain(privateBytes(mine.privateKey).toString("hex"));
    expect(JSON.stringify(credentials.psks)).toBe("[{},{}]");
  });
});

function privateBytes(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "pkcs8" }).subarray(-32);
}

function errorOf(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
