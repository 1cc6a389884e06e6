import { memoryPair } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import type { IpcError } from "../errors.js";
import { openSession, type SessionOptions } from "./session.js";

const psk = new Uint8Array(32).fill(7);
const REFUSED = "IPC_SECURITY_REFUSED";

describe("openSession", () => {
  /** Opens both sides; gives the code of each, or "open". */
  async function meet(ofClient: Partial<SessionOptions>, ofServer: Partial<SessionOptions>): Promise<string[]> {
    const [near, far] = memoryPair();
    const sides = [
      openSession(near, { role: "client", ...ofClient }),
      openSession(far, { role: "server", ...ofServer }),
    ];
    const outcomes = await Promise.allSettled(sides);
    for (const outcome of outcomes) if (outcome.status === "fulfilled") outcome.value.destroy();
    return outcomes.map((outcome) => (outcome.status === "fulfilled" ? "open" : (outcome.reason as IpcError).code));
  }
  const OPEN = ["open", "open"];

  it("checks nothing when the client was given no name", async () => {
    expect(await meet({}, {})).toEqual(OPEN);
    expect(await meet({}, { name: "orders" })).toEqual(OPEN);
    expect(await meet({ security: { psk } }, { security: { psk }, name: "orders" })).toEqual(OPEN);
  });

  it("accepts a server of the expected name, and rejects every other", async () => {
    for (const security of [{}, { psk }]) {
      expect(await meet({ name: "orders", security }, { name: "orders", security })).toEqual(OPEN);
      expect((await meet({ name: "orders", security }, { name: "Orders", security }))[0]).toBe(REFUSED);
    }
  });

  it("rejects a server without a name only when the client requires keys", async () => {
    const named = { name: "orders" };
    expect(await meet(named, {})).toEqual(OPEN);
    expect(await meet({ ...named, security: { psk, require: false } }, { security: { psk } })).toEqual(OPEN);
    expect((await meet({ ...named, security: { psk } }, { security: { psk } }))[0]).toBe(REFUSED);
    expect((await meet({ ...named, security: { require: true } }, {}))[0]).toBe(REFUSED);
  });

  it("checks no name when the server speaks golang-ipc's protocol only", async () => {
    expect(await meet({ name: "orders" }, { name: "billing", security: { wire: "golang-ipc" } })).toEqual(OPEN);
  });

  it("checks the name also when the client speaks golang-ipc's protocol only", async () => {
    const security = { wire: "golang-ipc" } as const;
    expect(await meet({ name: "orders", security }, { name: "orders" })).toEqual(OPEN);
    expect((await meet({ name: "orders", security }, { name: "billing" }))[0]).toBe(REFUSED);
  });
});
