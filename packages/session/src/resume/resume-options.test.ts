import { describe, expect, it } from "vitest";
import { resolveResume } from "./resume-options.js";

const secure = { encryption: true, supportsSecure: true };
const resolve = (value: unknown, security = secure): unknown => resolveResume("startX", value, security);

describe("resolveResume", () => {
  it.each([undefined, false])("resolves %s to undefined, without a look at the security", (value) => {
    expect(resolve(value, { encryption: false, supportsSecure: false })).toBeUndefined();
  });

  it.each([true, {}])("resolves %j to the defaults, frozen", (value) => {
    const limits = resolve(value);
    expect(limits).toEqual({ ttlMs: 120_000, bufferBytes: 4_194_304, require: false });
    expect(Object.isFrozen(limits)).toBe(true);
  });

  it.each([
    { ttlMs: 1, bufferBytes: 1_024, require: true },
    { ttlMs: 2_147_483_647, bufferBytes: 1_073_741_824, require: false },
  ])("takes %j, the ends of its ranges", (options) => {
    expect(resolve(options)).toEqual(options);
  });

  it.each([
    ["encryption: false", { encryption: false, supportsSecure: true }],
    ["encryption: false", { encryption: false, supportsSecure: false }],
    ['wire: "golang-ipc"', { encryption: true, supportsSecure: false }],
  ])("rejects `resume` beside `%s`", (obstacle, security) => {
    const message = `startX: \`resume\` needs a secure session and cannot be combined with \`${obstacle}\`; remove one or the other`;
    expect(() => resolve(true, security)).toThrow(new TypeError(message));
  });

  it.each([
    ["an unknown option", { ttl: 1 }, TypeError, "startX: resume"],
    ["null", null, TypeError, "startX: resume"],
    ["a number", 5, TypeError, "startX: resume"],
    ["a text for ttlMs", { ttlMs: "1" }, TypeError, "`ttlMs`"],
    ["a text for require", { require: "yes" }, TypeError, "`require`"],
    ["a ttlMs of 0", { ttlMs: 0 }, RangeError, "`ttlMs`"],
    ["a ttlMs past 2^31 - 1", { ttlMs: 2_147_483_648 }, RangeError, "`ttlMs`"],
    ["half a millisecond", { ttlMs: 1.5 }, RangeError, "`ttlMs`"],
    ["bufferBytes under 1 KiB", { bufferBytes: 1_023 }, RangeError, "`bufferBytes`"],
    ["bufferBytes over 1 GiB", { bufferBytes: 1_073_741_825 }, RangeError, "`bufferBytes`"],
  ])("rejects %s", (_what, value, kind, text) => {
    expect(() => resolve(value)).toThrow(kind);
    expect(() => resolve(value)).toThrow(text);
  });
});
