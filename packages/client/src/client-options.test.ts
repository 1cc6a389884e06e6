import { memory, type Transport, tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { startClient } from "./client.js";
import { type ClientOptions, resolveClientOptions } from "./client-options.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ClientOptions => options as ClientOptions;

const BYTES = "1024 … 1073741824";
const WRONG_KIND = [
  ["encryption", "yes", '`encryption` takes true or false, got "yes"'],
  ["encryption", null, "`encryption` takes true or false, got null"],
  ["maxMessageSize", "3", "`maxMessageSize` takes a whole number of bytes"],
  ["maxQueuedBytes", {}, "`maxQueuedBytes` takes a whole number of bytes"],
  ["maxUnreadBytes", 5n, "`maxUnreadBytes` takes a whole number of bytes"],
  ["busyPollUs", "50", '`busyPollUs` takes a whole number of microseconds, 0 … 1000, got "50"'],
  ["busyPollUs", true, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got true"],
  ["handshakeTimeoutMs", "5s", "`handshakeTimeoutMs` takes a whole number of milliseconds"],
  ["timeoutMs", null, "`timeoutMs` takes a whole number of milliseconds"],
  ["retryMs", "1", "`retryMs` takes a whole number of milliseconds"],
  ["retryMs", false, "`retryMs` takes a whole number of milliseconds, 0 … 2147483647, got false"],
  ["retry", 0, "`retry` takes true or false, got 0"],
  ["signal", {}, "`signal` takes an AbortSignal, got an object"],
  ["logger", console.log, "`logger` takes an object with the methods debug, info, warn, error, got a function"],
  ["logger", { info() {} }, "`logger` takes an object with the methods debug, info, warn, error, got an object"],
  ["transport", { listen() {} }, "`transport` takes an object with the methods address, dial, got an object"],
  ["transport", null, "`transport` takes an object with the methods address, dial, got null"],
  ["directory", 5, "`directory` must be a string"],
  ["directory", "", "`directory` must be a string that is not empty"],
  ["trustedOwners", 0, "`trustedOwners` must be an array of uids"],
  ["trustedOwners", ["root"], "`trustedOwners` must be an integer"],
  ["sharedDirectory", 1, "`sharedDirectory` must be true or false"],
] as const;

const OUT_OF_RANGE = [
  ["maxMessageSize", 1_023, `\`maxMessageSize\` takes a whole number of bytes, ${BYTES}, got 1023`],
  ["maxMessageSize", 1_073_741_825, `${BYTES}, got 1073741825`],
  ["maxMessageSize", 2_048.5, "got 2048.5"],
  ["maxMessageSize", Number.NaN, "got NaN"],
  ["maxQueuedBytes", 1_023, `\`maxQueuedBytes\` takes a whole number of bytes, ${BYTES}, got 1023`],
  ["maxQueuedBytes", Number.POSITIVE_INFINITY, "got Infinity"],
  ["maxUnreadBytes", 0, `\`maxUnreadBytes\` takes a whole number of bytes, ${BYTES}, got 0`],
  ["busyPollUs", -1, "`busyPollUs` takes a whole number of microseconds, 0 … 1000, got -1"],
  ["busyPollUs", 1_001, "got 1001"],
  ["busyPollUs", 0.5, "got 0.5"],
  ["handshakeTimeoutMs", 0, "`handshakeTimeoutMs` takes a whole number of milliseconds, 1 … 2147483647, got 0"],
  ["timeoutMs", -1, "`timeoutMs` takes a whole number of milliseconds, 0 … 2147483647, got -1"],
  ["timeoutMs", 2_147_483_648, "got 2147483648"],
  ["retryMs", -1, "`retryMs` takes a whole number of milliseconds, 0 … 2147483647, got -1"],
  ["trustedOwners", [-1], "`trustedOwners` must be an integer from 0 to 4294967294, got -1"],
] as const;

describe("startClient refuses", () => {
  it.each(WRONG_KIND)("%s: %o, as a TypeError that names it", async (option, value, message) => {
    const error = await failureOf(startClient(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });

  it.each(OUT_OF_RANGE)(
    "%s: %o, as a RangeError that names it (golang-ipc: TestStartUp_Configs2)",
    async (option, value, message) => {
      const error = await failureOf(startClient(loose({ name: "orders", [option]: value })));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toContain(message);
      expect(error.message).toContain(`\`${option}\``);
    },
  );

  it.each(["../x", "a/b", "", ".hidden", "a..b", "a".repeat(65), "naïve", "a b", undefined, 5, null])(
    "the name %o, with the code IPC_NAME_INVALID (golang-ipc: row 1, TestStartUp_Name)",
    async (name) => {
      const error = await failureOf(startClient(loose({ name })));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: "IPC_NAME_INVALID", message: expect.stringContaining("`name`") });
    },
  );

  it.each([
    ["timeout", 5],
    ["Encryption", true],
    ["unmaskPermissions", true],
    ["authorize", () => true],
  ])("the unknown option %s, naming those that it takes", async (option, value) => {
    const error = await failureOf(startClient(loose({ name: "orders", [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`startClient: unknown option \`${option}\``);
    expect(error.message).toContain("timeoutMs");
  });

  it.each([undefined, null, "orders", 5])("%o instead of options (golang-ipc: row 33)", async (options) => {
    const error = await failureOf(startClient(loose(options)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("takes an object of options");
  });

  it.each([
    ["directory", "/tmp"],
    ["trustedOwners", [0]],
    ["sharedDirectory", true],
  ])("%s beside transport: it would mean nothing", async (option, value) => {
    const error = await failureOf(startClient(loose({ name: "orders", transport: memory(), [option]: value })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`\`${option}\``);
    expect(error.message).toContain("`transport`");
  });

  const inner = memory();
  const oneEndpoint: Transport = { ...inner, address: (name) => inner.address(name, { kind: "name" }) };
  it.each([
    ["tcp()", tcp(), "127.0.0.1:8100"],
    ["a transport of the user's that has one address", oneEndpoint, "memory:orders"],
  ])("multiClient over %s, and says what to do", async (_what, transport, address) => {
    const error = await failureOf(startClient({ name: "orders", transport, multiClient: true }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(
      `startClient: \`multiClient: true\` takes a \`transport\` on which managers give out client ids, and at ${address} they do not; connect to the manager without \`multiClient\``,
    );
  });
});

describe("resolveClientOptions", () => {
  const names = [
    "directory",
    "trustedOwners",
    "sharedDirectory",
    "transport",
    "timeoutMs",
    "retryMs",
    "retry",
    "encryption",
    "maxMessageSize",
    "maxQueuedBytes",
    "maxUnreadBytes",
    "busyPollUs",
    "handshakeTimeoutMs",
    "signal",
    "logger",
  ];

  it("fills in the defaults, also where an option is undefined, and freezes the result (golang-ipc: row 35)", () => {
    const absent = Object.fromEntries(names.map((name) => [name, undefined]));
    for (const options of [{ name: "orders" }, { name: "orders", ...absent }]) {
      const resolved = resolveClientOptions(loose(options));
      expect(resolved).toMatchObject({
        encryption: true,
        timeoutMs: 0,
        retry: true,
        handshakeTimeoutMs: 5_000,
        limits: { maxMessageSize: 3_145_728, maxQueuedBytes: 1_048_576, maxUnreadBytes: 1_048_576, busyPollUs: 0 },
      });
      expect(resolved.transport.address("orders", { kind: "name" })).toBe("/tmp/orders.sock");
      expect(Object.isFrozen(resolved)).toBe(true);
    }
  });

  it("takes the limits of each range (golang-ipc: TestStartUp_Configs)", () => {
    const most = 2_147_483_647;
    for (const [size, busyPollUs] of [
      [1_024, 0],
      [1_073_741_824, 1_000],
    ] as const) {
      const limits = { maxMessageSize: size, maxQueuedBytes: size, maxUnreadBytes: size, busyPollUs };
      expect(resolveClientOptions({ name: "a", ...limits }).limits).toEqual(limits);
    }
    expect(resolveClientOptions({ name: "a", timeoutMs: most, handshakeTimeoutMs: 1, retryMs: 0 })).toMatchObject({
      timeoutMs: most,
      handshakeTimeoutMs: 1,
    });
  });

  it("backs off as far as the transport says, and at a fixed pace where retryMs is given", () => {
    const longest = (options: Partial<ClientOptions>): number => {
      const { schedule } = resolveClientOptions({ name: "orders", ...options });
      return Math.max(...Array.from({ length: 50 }, () => schedule.next()));
    };
    const plain = { ...memory() };
    const { maxRetryDelayMs: _unsaid, ...silent } = plain;
    expect(longest({ transport: plain })).toBeLessThanOrEqual(250);
    expect(longest({ transport: silent })).toBeGreaterThan(250);
    expect(longest({ transport: silent })).toBeLessThanOrEqual(1_000);
    expect(longest({ retryMs: 7 })).toBe(7);
  });
});
