import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { startServer } from "./server.js";
import { resolveServerOptions, type ServerOptions } from "./server-options.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ServerOptions => options as ServerOptions;

const BYTES = "a whole number of bytes, 1024 … 1073741824";
const WRONG_KIND = [
  ["encryption", 1, "`encryption` takes true or false, got 1"],
  ["maxMessageSize", "3", `\`maxMessageSize\` takes ${BYTES}, got "3"`],
  ["maxMessageSize", null, `\`maxMessageSize\` takes ${BYTES}, got null`],
  ["maxQueuedBytes", [], `\`maxQueuedBytes\` takes ${BYTES}, got an array`],
  ["maxUnreadBytes", true, `\`maxUnreadBytes\` takes ${BYTES}, got true`],
  ["busyPollUs", null, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got null"],
  ["handshakeTimeoutMs", "5s", "`handshakeTimeoutMs` takes a whole number of milliseconds"],
  ["signal", new AbortController(), "`signal` takes an AbortSignal, got an object"],
  ["logger", "console", '`logger` takes an object with the methods debug, info, warn, error, got "console"'],
  ["transport", { dial() {} }, "`transport` takes an object with the methods address, listen, got an object"],
  ["transport", memory, "`transport` takes an object with the methods address, listen, got a function"],
  ["authorize", true, "`authorize` takes a function, got true"],
  ["directory", null, "`directory` must be a string"],
  ["directory", "a\0b", "`directory` must be a string that is not empty and holds no NUL"],
  ["unmaskPermissions", 0o777, "`unmaskPermissions` must be true or false"],
  ["mode", "660", '`mode` must be an integer from 0o600 to 0o777, got "660"'],
  ["group", null, "`group` must be a gid or the name of a group"],
  ["trustedOwners", 0, "`trustedOwners` must be an array of uids"],
  ["sharedDirectory", "yes", "`sharedDirectory` must be true or false"],
] as const;

const OUT_OF_RANGE = [
  ["maxMessageSize", -1, `\`maxMessageSize\` takes ${BYTES}, got -1`],
  ["maxMessageSize", 1_023, "got 1023"],
  ["maxMessageSize", 1_073_741_825, "got 1073741825"],
  ["maxMessageSize", 4_096.5, "got 4096.5"],
  ["maxQueuedBytes", 0, `\`maxQueuedBytes\` takes ${BYTES}, got 0`],
  ["maxUnreadBytes", Number.NaN, `\`maxUnreadBytes\` takes ${BYTES}, got NaN`],
  ["mode", 0o577, "`mode` must be an integer from 0o600 to 0o777, got 0o577"],
  ["busyPollUs", -1, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got -1"],
  ["busyPollUs", 1_001, "got 1001"],
  ["busyPollUs", Number.NaN, "got NaN"],
  ["handshakeTimeoutMs", 0, "`handshakeTimeoutMs` takes a whole number of milliseconds, 1 … 2147483647, got 0"],
  ["handshakeTimeoutMs", 2_147_483_648, "got 2147483648"],
] as const;

describe("startServer refuses", () => {
  it.each(WRONG_KIND)("%s: %o, as a TypeError that names it", async (option, value, message) => {
    const error = await failureOf(startServer(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });

  it.each(OUT_OF_RANGE)(
    "%s: %o, as a RangeError that names it (golang-ipc: TestStartUp_Configs2)",
    async (option, value, message) => {
      const error = await failureOf(startServer(loose({ name: "orders", [option]: value })));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toContain(message);
      expect(error.message).toContain(`\`${option}\``);
    },
  );

  it.each(["../x", "x.sock/..", "", "-x", "..", "a".repeat(65), "ключ", "a\n", undefined, {}])(
    "the name %o, with the code IPC_NAME_INVALID (golang-ipc: row 1, TestStartUp_Name)",
    async (name) => {
      const error = await failureOf(startServer(loose({ name })));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: "IPC_NAME_INVALID", message: expect.stringContaining("`name`") });
    },
  );

  it.each([
    ["MaxMsgSize", 5],
    ["timeoutMs", 5],
    ["retry", true],
    ["multiClient", true],
  ])("the unknown option %s, naming those that it takes", async (option, value) => {
    const error = await failureOf(startServer(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`startServer: unknown option \`${option}\``);
    expect(error.message).toContain("unmaskPermissions");
  });

  it.each([undefined, null, "orders", 5])("%o instead of options (golang-ipc: row 33)", async (options) => {
    const error = await failureOf(startServer(loose(options)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("takes an object of options");
  });

  it.each([
    ["directory", "/tmp"],
    ["unmaskPermissions", true],
    ["mode", 0o660],
    ["group", 0],
    ["trustedOwners", []],
    ["sharedDirectory", true],
  ])("%s beside transport: it would mean nothing", async (option, value) => {
    const error = await failureOf(startServer(loose({ name: "orders", transport: memory(), [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`\`${option}\``);
    expect(error.message).toContain("`transport`");
  });
});

describe("resolveServerOptions", () => {
  it("fills in the defaults, also where an option is undefined, and freezes the result (golang-ipc: row 35)", () => {
    const absent = Object.fromEntries(
      [...new Set([...WRONG_KIND, ...OUT_OF_RANGE].map(([option]) => option))].map((option) => [option, undefined]),
    );
    for (const options of [{ name: "orders" }, { name: "orders", ...absent }]) {
      const resolved = resolveServerOptions(loose(options));
      expect(resolved).toMatchObject({
        encryption: true,
        handshakeTimeoutMs: 5_000,
        limits: { maxMessageSize: 3_145_728, maxQueuedBytes: 1_048_576, maxUnreadBytes: 1_048_576, busyPollUs: 0 },
      });
      expect(resolved.transport.address("orders", { kind: "name" })).toBe("/tmp/orders.sock");
      expect(Object.isFrozen(resolved)).toBe(true);
    }
  });

  it.each([0, 1_000])("takes the edge of a range: busyPollUs %i", (busyPollUs) => {
    expect(resolveServerOptions({ name: "orders", busyPollUs }).limits).toMatchObject({ busyPollUs });
  });
});
