import { describe, expect, it } from "vitest";
import { describeRefusals, type OwnRefusals, optionsOf } from "../../../internal/testkit/src/option-refusals.js";
import { type ManagerOptions, resolveManagerOptions } from "./manager-options.js";
import { startServerManager } from "./server-manager.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ManagerOptions => options as ManagerOptions;

const BYTES = "a whole number of bytes, 1024 … 1099511627776";
const CONNECTIONS = "a whole number of connections, 1 … 1000000";
const REFUSALS: OwnRefusals = {
  wrongKind: [
    ["maxConnections", "5", `\`maxConnections\` takes ${CONNECTIONS}, got "5"`],
    ["maxConnections", null, `\`maxConnections\` takes ${CONNECTIONS}, got null`],
    ["maxTotalUnreadBytes", "1e9", `\`maxTotalUnreadBytes\` takes ${BYTES}, got "1e9"`],
    ["maxTotalQueuedBytes", [], `\`maxTotalQueuedBytes\` takes ${BYTES}, got an array`],
    ["transport", { dial() {} }, "`transport` takes an object with the methods address, listen"],
    ["authorize", true, "`authorize` takes a function, got true"],
    ["unmaskPermissions", 0o777, "`unmaskPermissions` must be true or false"],
  ],
  outOfRange: [
    ["maxConnections", 0, `\`maxConnections\` takes ${CONNECTIONS}, got 0`],
    ["maxConnections", 1_000_001, "got 1000001"],
    ["maxConnections", 1.5, "got 1.5"],
    ["maxConnections", Number.POSITIVE_INFINITY, "got Infinity"],
    ["maxTotalUnreadBytes", 1_023, `\`maxTotalUnreadBytes\` takes ${BYTES}, got 1023`],
    ["maxTotalUnreadBytes", 1_099_511_627_777, "got 1099511627777"],
    ["maxTotalQueuedBytes", 1_023, `\`maxTotalQueuedBytes\` takes ${BYTES}, got 1023`],
    ["maxTotalQueuedBytes", Number.NaN, "got NaN"],
  ],
  unknown: ["MultiClient", "multiClient", "timeoutMs", "maxClients"],
  known: "maxConnections, maxTotalUnreadBytes, maxTotalQueuedBytes",
  besideTransport: { directory: "/tmp", unmaskPermissions: true },
};

describeRefusals(startServerManager, REFUSALS);

describe("resolveManagerOptions", () => {
  it("fills in the defaults, also where an option is undefined, and freezes the result (golang-ipc: row 35)", () => {
    const absent = Object.fromEntries(optionsOf(REFUSALS).map((option) => [option, undefined]));
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
  ])("accepts the limit of a range: %s %i", (option, value) => {
    expect(resolveManagerOptions(loose({ name: "orders", [option]: value }))).toMatchObject({ [option]: value });
  });

  it.each([0, 1_000])("accepts the limit of a range for each connection: busyPollUs %i", (busyPollUs) => {
    expect(resolveManagerOptions({ name: "orders", busyPollUs }).limits).toMatchObject({ busyPollUs });
  });
});
