import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { type ManagerOptions, resolveManagerOptions } from "./manager-options.js";
import { startServerManager } from "./server-manager.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ManagerOptions => options as ManagerOptions;

const BYTES = "a whole number of bytes, 1024 … 1099511627776";
const CONNECTIONS = "a whole number of connections, 1 … 1000000";
const WRONG_KIND = [
  ["maxConnections", "5", `\`maxConnections\` takes ${CONNECTIONS}, got "5"`],
  ["maxConnections", null, `\`maxConnections\` takes ${CONNECTIONS}, got null`],
  ["maxTotalUnreadBytes", "1e9", `\`maxTotalUnreadBytes\` takes ${BYTES}, got "1e9"`],
  ["maxTotalQueuedBytes", [], `\`maxTotalQueuedBytes\` takes ${BYTES}, got an array`],
  ["encryption", 1, "`encryption` takes true or false, got 1"],
  ["maxMessageSize", "3", "`maxMessageSize` takes a whole number of bytes"],
  ["busyPollUs", {}, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got an object"],
  ["signal", new AbortController(), "`signal` takes an AbortSignal, got an object"],
  ["logger", "console", "`logger` takes an object with the methods debug, info, warn, error"],
  ["transport", { dial() {} }, "`transport` takes an object with the methods address, listen"],
  ["authorize", true, "`authorize` takes a function, got true"],
  ["directory", null, "`directory` must be a string"],
  ["unmaskPermissions", 0o777, "`unmaskPermissions` must be true or false"],
] as const;

const OUT_OF_RANGE = [
  ["maxConnections", 0, `\`maxConnections\` takes ${CONNECTIONS}, got 0`],
  ["maxConnections", 1_000_001, "got 1000001"],
  ["maxConnections", 1.5, "got 1.5"],
  ["maxConnections", Number.POSITIVE_INFINITY, "got Infinity"],
  ["maxTotalUnreadBytes", 1_023, `\`maxTotalUnreadBytes\` takes ${BYTES}, got 1023`],
  ["maxTotalUnreadBytes", 1_099_511_627_777, "got 1099511627777"],
  ["maxTotalQueuedBytes", 1_023, `\`maxTotalQueuedBytes\` takes ${BYTES}, got 1023`],
  ["maxTotalQueuedBytes", Number.NaN, "got NaN"],
  ["maxUnreadBytes", 0, "`maxUnreadBytes` takes a whole number of bytes"],
  ["busyPollUs", -1, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got -1"],
  ["busyPollUs", 1_001, "got 1001"],
  ["handshakeTimeoutMs", 0, "`handshakeTimeoutMs` takes a whole number of milliseconds"],
] as const;

describe("startServerManager refuses", () => {
  it.each(WRONG_KIND)("%s: %o, as a TypeError that names it", async (option, value, message) => {
    const error = await failureOf(startServerManager(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });

  it.each(OUT_OF_RANGE)("%s: %o, as a RangeError that names it", async (option, value, message) => {
    const error = await failureOf(startServerManager(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain("startServerManager: ");
    expect(error.message).toContain(message);
  });

  it.each(["../x", "", "-x", "..", "a".repeat(65), "ключ", undefined, {}])(
    "the name %o, with the code IPC_NAME_INVALID (golang-ipc: row 1)",
    async (name) => {
      const error = await failureOf(startServerManager(loose({ name })));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: "IPC_NAME_INVALID", message: expect.stringContaining("`name`") });
    },
  );

  it.each([
    ["MultiClient", true],
    ["multiClient", true],
    ["timeoutMs", 5],
    ["maxClients", 5],
  ])("the unknown option %s, naming those that it takes", async (option, value) => {
    const error = await failureOf(startServerManager(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`startServerManager: unknown option \`${option}\``);
    expect(error.message).toContain("maxConnections, maxTotalUnreadBytes, maxTotalQueuedBytes");
  });

  it.each([undefined, null, "orders", 5])("%o instead of options", async (options) => {
    const error = await failureOf(startServerManager(loose(options)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("startServerManager: takes an object of options");
  });

  it.each([
    ["directory", "/tmp"],
    ["unmaskPermissions", true],
  ])("%s beside transport: it would mean nothing", async (option, value) => {
    const error = await failureOf(startServerManager(loose({ name: "orders", transport: memory(), [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`\`${option}\``);
    expect(error.message).toContain("`transport`");
  });
});

describe("resolveManagerOptions", () => {
  it("fills in the defaults, also where an option is undefined, and freezes the result (golang-ipc: row 35)", () => {
    const absent = Object.fromEntries([...WRONG_KIND, ...OUT_OF_RANGE].map(([option]) => [option, undefined]));
    for (const options of [{ name: "orders" }, { name: "orders", ...absent }]) {
      const resolved = resolveManagerOptions(loose(options));
      expect(resolved).toMatchObject({
        maxConnections: 10_000,
        maxTotalUnreadBytes: 268_435_456,
        maxTotalQueuedBytes: 268_435_456,
        encryption: true,
        handshakeTimeoutMs: 5_000,
        limits: { maxMessageSize: 3_145_728, maxQueuedBytes: 1_048_576, maxUnreadBytes: 1_048_576, busyPollUs: 0 },
      });
      expect(resolved.transport.address("orders", { kind: "manager" })).toBe("/tmp/orders_manager.sock");
      expect(Object.isFrozen(resolved)).toBe(true);
    }
  });

  it.each([
    ["maxConnections", 1],
    ["maxConnections", 1_000_000],
    ["maxTotalUnreadBytes", 1_024],
    ["maxTotalQueuedBytes", 1_099_511_627_776],
  ])("takes the edge of a range: %s %i", (option, value) => {
    expect(resolveManagerOptions(loose({ name: "orders", [option]: value }))).toMatchObject({ [option]: value });
  });

  it.each([0, 1_000])("takes the edge of a range for each connection: busyPollUs %i", (busyPollUs) => {
    expect(resolveManagerOptions({ name: "orders", busyPollUs }).limits).toMatchObject({ busyPollUs });
  });
});
