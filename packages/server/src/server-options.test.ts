import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { describeRefusals, type OwnRefusals, optionsOf } from "../../../internal/testkit/src/option-refusals.js";
import { startServer } from "./server.js";
import { resolveServerOptions, type ServerOptions } from "./server-options.js";

/** Options that no type checker has seen. */
const loose = (options: unknown): ServerOptions => options as ServerOptions;

const REFUSALS: OwnRefusals = {
  wrongKind: [
    ["transport", { dial() {} }, "`transport` takes an object with the methods address, listen, got an object"],
    ["transport", memory, "`transport` takes an object with the methods address, listen, got a function"],
    ["authorize", true, "`authorize` takes a function, got true"],
    ["unmaskPermissions", 0o777, "`unmaskPermissions` must be true or false"],
    ["mode", "660", '`mode` must be an integer from 0o600 to 0o777, got "660"'],
    ["group", null, "`group` must be a gid or the name of a group"],
  ],
  outOfRange: [["mode", 0o577, "`mode` must be an integer from 0o600 to 0o777, got 0o577"]],
  unknown: ["MaxMsgSize", "timeoutMs", "retry", "multiClient"],
  known: "unmaskPermissions",
  besideTransport: {
    ...{ directory: "/tmp", unmaskPermissions: true, mode: 0o660, group: 0 },
    ...{ trustedOwners: [], sharedDirectory: true },
  },
};

describeRefusals(startServer, REFUSALS);

describe("resolveServerOptions", () => {
  it("fills in the defaults, also where an option is undefined, and freezes the result (golang-ipc: row 35)", () => {
    const absent = Object.fromEntries(optionsOf(REFUSALS).map((option) => [option, undefined]));
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

  it.each([0, 1_000])("accepts the limit of a range: busyPollUs %i", (busyPollUs) => {
    expect(resolveServerOptions({ name: "orders", busyPollUs }).limits).toMatchObject({ busyPollUs });
  });
});
