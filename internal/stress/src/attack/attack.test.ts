import { describe, expect, it } from "vitest";
import { announcement, crowd, flood, hoardOfClient } from "./attacks.js";
import type { Finding } from "./finding.js";
import { type AttackPlan, type Setup, withSetup } from "./setup.js";

interface Case {
  readonly what: string;
  readonly plan: AttackPlan;
  readonly attack: (setup: Setup) => Promise<Finding>;
  /** How connections may end, by code. */
  readonly ends: readonly string[];
}

/** Claims that need a process of its own: the others are in the tests of the packages. `npm run stress -- attack` does all. */
const CASES: readonly Case[] = [
  {
    what: "a manager without free descriptors accepts clients again when descriptors are back",
    plan: { role: "manager", wire: "plain", reads: true, descriptors: 96 },
    attack: (setup) => crowd(setup, 200),
    // They say nothing, and are cut when their time is up: how many of them by then is a matter of the machine.
    ends: ["IPC_HANDSHAKE_FAILED", "IPC_HANDSHAKE_TIMEOUT"],
  },
  {
    what: "a client without a free descriptor reconnects when one is back",
    plan: { role: "client", wire: "plain", reads: true, descriptors: 96 },
    attack: hoardOfClient,
    ends: ["IPC_PEER_CLOSED"],
  },
  {
    what: "a manager allocates nothing for 100 clients that announce 4 GiB",
    plan: { role: "manager", wire: "plain", reads: true },
    attack: (setup) => announcement(setup, "4 GiB frame", 100),
    ends: ["IPC_FRAME_TOO_LARGE"],
  },
  {
    what: "a server that never reads stays within its budget under messages of one byte, each in a record",
    plan: { role: "server", wire: "secure", reads: false },
    attack: (setup) => flood(setup, 20_000, 1, "record each"),
    ends: [],
  },
  {
    what: "a client that never reads stays within its budget under a million empty messages",
    plan: { role: "client", wire: "plain", reads: false },
    attack: (setup) => flood(setup, 1_000_000, 0, "batched"),
    ends: [],
  },
];

describe("a process under attack", () => {
  it.each(CASES.map((each) => [each.what, each] as const))("%s", { timeout: 120_000 }, async (_what, each) => {
    const { plan, attack, ends } = each;
    // The bystander of the victim's process is served meanwhile, or this does not end.
    const { missed, during } = await withSetup(plan, attack);
    expect(missed).toEqual([]);
    expect(Object.keys(during.ends).filter((code) => !ends.includes(code))).toEqual([]);
  });
});
