import { formatValue } from "@ipc/transport/internal";
import { describe, expect, test } from "vitest";
import { OptionReader } from "./option-reader.js";

interface Options {
  readonly encryption?: unknown;
  readonly size?: unknown;
  readonly timeoutMs?: unknown;
  readonly signal?: unknown;
  readonly logger?: unknown;
  readonly authorize?: unknown;
  readonly transport?: unknown;
  readonly directory?: unknown;
  readonly slow?: unknown;
}
interface Logger {
  info(): void;
  warn(): void;
}
const KNOWN: readonly (keyof Options)[] = [
  "encryption",
  "size",
  "timeoutMs",
  "signal",
  "logger",
  "authorize",
  "transport",
  "directory",
  "slow",
];
const SIZE = { min: 1_024, max: 4_096, unit: "bytes" };
const SLOW = ["wait", "skip"] as const;
const LOGGER: readonly (keyof Logger)[] = ["info", "warn"];

const read = (options: Options): OptionReader<Options> => new OptionReader("startServer", options, KNOWN);

describe("an options object", () => {
  test.each([
    [undefined, "undefined"],
    [null, "null"],
    ["orders", '"orders"'],
    [7, "7"],
    [() => {}, "a function"],
  ])("is rejected when it is %s instead of an object", (options, shown) => {
    expect(() => read(options as Options)).toThrow(
      new TypeError(`startServer: takes an object of options, got ${shown}`),
    );
  });

  test("is rejected with the known names when one option is misspelt, even if that is undefined", () => {
    expect(() => read({ encrypt: true } as Options)).toThrow(
      new TypeError(`startServer: unknown option \`encrypt\`; known options: ${KNOWN.join(", ")}`),
    );
    expect(() => read({ encrypt: undefined } as Options)).toThrow(TypeError);
  });

  test("is accepted when it is frozen or has no prototype", () => {
    const options: Options = Object.freeze(Object.assign(Object.create(null), { size: 2_048 }));
    expect(read(options).integer("size", 0, SIZE)).toBe(2_048);
  });
});

describe("an option that is missing or undefined", () => {
  test.each([{}, { encryption: undefined, size: undefined, timeoutMs: undefined, signal: undefined }])(
    "has its default: %o",
    (options) => {
      const reader = read(options);
      expect(reader.boolean("encryption", true)).toBe(true);
      expect(reader.boolean("encryption", false)).toBe(false);
      expect(reader.integer("size", 7, SIZE)).toBe(7);
      expect(reader.milliseconds("timeoutMs", 5_000)).toBe(5_000);
      expect(reader.choice("slow", SLOW, "skip")).toBe("skip");
      expect(reader.signal("signal")).toBeUndefined();
      expect(reader.methods("logger", [])).toBeUndefined();
      expect(reader.callback("authorize")).toBeUndefined();
    },
  );
});

describe("a valid option is returned unchanged:", () => {
  test("a boolean, whatever the default", () => {
    expect(read({ encryption: false }).boolean("encryption", true)).toBe(false);
    expect(read({ encryption: true }).boolean("encryption", false)).toBe(true);
  });

  test.each([1_024, 4_096])("a whole number at the edge of its range: %i", (size) => {
    expect(read({ size }).integer("size", 2_000, SIZE)).toBe(size);
  });

  test.each([0, 2_147_483_647])("milliseconds at the edge of their range: %i", (timeoutMs) => {
    expect(read({ timeoutMs }).milliseconds("timeoutMs", 5_000)).toBe(timeoutMs);
  });

  test.each(SLOW)("one of several words, whatever the default: %s", (slow) => {
    expect(read({ slow }).choice("slow", SLOW, "wait")).toBe(slow);
  });

  test("a signal, a logger with further methods, a callback", () => {
    const { signal } = new AbortController();
    const logger = { info() {}, warn() {}, fatal() {} };
    const authorize = (): boolean => true;
    const reader = read({ signal, logger, authorize });
    expect(reader.signal("signal")).toBe(signal);
    expect(reader.methods<typeof logger>("logger", LOGGER)).toBe(logger);
    expect(reader.callback("authorize")).toBe(authorize);
  });

  test("a logger that inherits its methods, as console and class instances do", () => {
    class Inherited {
      info(): void {}
      warn(): void {}
    }
    const logger = new Inherited();
    expect(read({ logger }).methods<Logger>("logger", LOGGER)).toBe(logger);
    expect(read({ logger: console }).methods<Logger>("logger", LOGGER)).toBe(console);
  });
});

describe("an option of the wrong kind is rejected with a TypeError that names it, the accepted and the given value", () => {
  const cases: readonly [
    key: keyof Options,
    value: unknown,
    take: (reader: OptionReader<Options>) => unknown,
    says: string,
  ][] = [
    ["encryption", "yes", (reader) => reader.boolean("encryption", true), 'true or false, got "yes"'],
    ["encryption", null, (reader) => reader.boolean("encryption", true), "true or false, got null"],
    ["encryption", 0, (reader) => reader.boolean("encryption", true), "true or false, got 0"],
    ["size", "2048", (reader) => reader.integer("size", 1, SIZE), 'a whole number of bytes, 1024 … 4096, got "2048"'],
    ["size", 2_048n, (reader) => reader.integer("size", 1, SIZE), "a whole number of bytes, 1024 … 4096, got 2048"],
    ["size", null, (reader) => reader.integer("size", 1, SIZE), "a whole number of bytes, 1024 … 4096, got null"],
    [
      "timeoutMs",
      {},
      (reader) => reader.milliseconds("timeoutMs", 1),
      "a whole number of milliseconds, 0 … 2147483647, got an object",
    ],
    ["slow", "Wait", (reader) => reader.choice("slow", SLOW, "wait"), '"wait", "skip", got "Wait"'],
    ["slow", true, (reader) => reader.choice("slow", SLOW, "wait"), '"wait", "skip", got true'],
    ["slow", null, (reader) => reader.choice("slow", SLOW, "wait"), '"wait", "skip", got null'],
    ["signal", {}, (reader) => reader.signal("signal"), "an AbortSignal, got an object"],
    ["signal", new AbortController(), (reader) => reader.signal("signal"), "an AbortSignal, got an object"],
    [
      "logger",
      { info() {} },
      (reader) => reader.methods<Logger>("logger", LOGGER),
      "an object with the methods info, warn, got an object",
    ],
    [
      "logger",
      [],
      (reader) => reader.methods<Logger>("logger", LOGGER),
      "an object with the methods info, warn, got an array",
    ],
    [
      "logger",
      null,
      (reader) => reader.methods<Logger>("logger", LOGGER),
      "an object with the methods info, warn, got null",
    ],
    ["authorize", true, (reader) => reader.callback("authorize"), "a function, got true"],
  ];

  test.each(cases)("%s: %s", (key, value, take, says) => {
    expect(() => take(read({ [key]: value }))).toThrow(new TypeError(`startServer: \`${key}\` takes ${says}`));
  });
});

describe("an option out of range is rejected with a RangeError that names the same", () => {
  test.each([1_023, 4_097, 2_048.5, Number.NaN, Number.POSITIVE_INFINITY, -1])("size: %s", (size) => {
    expect(() => read({ size }).integer("size", 2_048, SIZE)).toThrow(
      new RangeError(`startServer: \`size\` takes a whole number of bytes, 1024 … 4096, got ${size}`),
    );
  });

  test("milliseconds: below their minimum, or above the maximum of a Node.js timer", () => {
    const takes = "startServer: `timeoutMs` takes a whole number of milliseconds";
    expect(() => read({ timeoutMs: 0 }).milliseconds("timeoutMs", 5, 1)).toThrow(
      new RangeError(`${takes}, 1 … 2147483647, got 0`),
    );
    expect(() => read({ timeoutMs: 2_147_483_648 }).milliseconds("timeoutMs", 5)).toThrow(
      new RangeError(`${takes}, 0 … 2147483647, got 2147483648`),
    );
  });
});

describe("options that have no effect beside another", () => {
  test("are rejected by name", () => {
    expect(() => read({ transport: {}, directory: "/tmp" }).refuseBeside("transport", ["directory"])).toThrow(
      new TypeError(
        "startServer: `directory` is an option of the unix socket and cannot be combined with `transport`; pass it to the transport",
      ),
    );
  });

  test.each([{}, { transport: {} }, { directory: "/tmp" }, { transport: undefined, directory: "/tmp" }])(
    "are accepted alone: %o",
    (options) => {
      expect(() => read(options).refuseBeside("transport", ["directory"])).not.toThrow();
    },
  );
});

describe("an error shows an invalid value", () => {
  test.each([
    ['a "b"', '"a \\"b\\""'],
    ["x".repeat(81), `"${"x".repeat(80)}…"`],
    [Symbol("s"), "Symbol(s)"],
    [undefined, "undefined"],
    [[1], "an array"],
    [Uint8Array.of(1), "an object"],
    [-0.5, "-0.5"],
  ])("shortly: %s", (value, shown) => {
    expect(formatValue(value)).toBe(shown);
  });

  test("as an object if it is a proxy that was revoked", () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    expect(formatValue(proxy)).toBe("an object");
  });

  test("without a call of any of its methods", () => {
    const trap = (): never => {
      throw new Error("called");
    };
    expect(formatValue({ toString: trap, toJSON: trap, [Symbol.toPrimitive]: trap })).toBe("an object");
  });
});

test("picks the given options, and omits those that are undefined", () => {
  const reader = read({ size: 2_048, directory: undefined, slow: null });
  expect(reader.pick(["size", "directory", "slow", "transport"])).toEqual({ size: 2_048, slow: null });
});
