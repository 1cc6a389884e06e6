import { memory, type Transport, tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { describeRefusals } from "../../../internal/testkit/src/option-refusals.js";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { startClient } from "./client.js";
import { type ClientOptions, resolveClientOptions } from "./client-options.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ClientOptions => options as ClientOptions;

const MS = "a whole number of milliseconds, 0 … 2147483647";

describeRefusals(startClient, {
  wrongKind: [
    ["timeoutMs", null, "`timeoutMs` takes a whole number of milliseconds"],
    ["retryMs", "1", "`retryMs` takes a whole number of milliseconds"],
    ["retryMs", false, `\`retryMs\` takes ${MS}, got false`],
    ["retry", 0, "`retry` takes true or false, got 0"],
    ["transport", { listen() {} }, "`transport` takes an object with the methods address, dial, got an object"],
  ],
  outOfRange: [
    ["timeoutMs", -1, `\`timeoutMs\` takes ${MS}, got -1`],
    ["timeoutMs", 2_147_483_648, "got 2147483648"],
    ["retryMs", -1, `\`retryMs\` takes ${MS}, got -1`],
  ],
  unknown: ["timeout", "Encryption", "unmaskPermissions", "authorize"],
  known: "timeoutMs",
  besideTransport: { directory: "/tmp", trustedOwners: [0], sharedDirectory: true },
});

describe("startClient refuses", () => {
  const inner = memory();
  const oneEndpoint: Transport = { ...inner, address: (name) => inner.address(name, { kind: "name" }) };
  it.each([
    ["tcp()", tcp(), "127.0.0.1:8100"],
    ["a transport of the user's that has one address", oneEndpoint, "memory:orders"],
  ])("multiClient over %s, and names the next step", async (_what, transport, address) => {
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
    "heartbeatMs",
    "idleTimeoutMs",
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
        limits: {
          maxMessageSize: 3_145_728,
          maxQueuedBytes: 1_048_576,
          maxUnreadBytes: 1_048_576,
          busyPollUs: 0,
          heartbeatMs: 15_000,
          idleTimeoutMs: 0,
        },
      });
      expect(resolved.transport.address("orders", { kind: "name" })).toBe("/tmp/orders.sock");
      expect(Object.isFrozen(resolved)).toBe(true);
    }
  });

  it("accepts the limits of each range (golang-ipc: TestStartUp_Configs)", () => {
    const most = 2_147_483_647;
    for (const [size, busyPollUs, heartbeatMs, idleTimeoutMs] of [
      [1_024, 0, 0, 0],
      [1_024, 0, 0, 1],
      [1_024, 0, 1, 2],
      [1_073_741_824, 1_000, most, 0],
      [1_073_741_824, 1_000, 0, most],
    ] as const) {
      const sizes = { maxMessageSize: size, maxQueuedBytes: size, maxUnreadBytes: size };
      const limits = { ...sizes, busyPollUs, heartbeatMs, idleTimeoutMs };
      expect(resolveClientOptions({ name: "a", ...limits }).limits).toEqual(limits);
    }
    expect(resolveClientOptions({ name: "a", timeoutMs: most, handshakeTimeoutMs: 1, retryMs: 0 })).toMatchObject({
      timeoutMs: most,
      handshakeTimeoutMs: 1,
    });
  });

  it("backs off up to the transport's maximum, and retries at a fixed pace when retryMs is given", () => {
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
