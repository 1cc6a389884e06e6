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
    what: "a manager has no descriptors left for new clients, and serves again when they are back",
    plan: { role: "manager", wire: "plain", reads: true, descriptors: 96 },
    attack: (setup) => crowd(setup, 200),
    // They say nothing, and are cut when their time is up: how many of them by then is a matter of the machine.
    ends: ["IPC_HANDSHAKE_FAILED", "IPC_HANDSHAKE_TIMEOUT"],
  },
  {
    what: "a client has no descriptor left to dial again with, and does when one is back",
    plan: { role: "client", wire: "plain", reads: true, descriptors: 96 },
    attack: hoardOfClient,
    ends: ["IPC_PEER_CLOSED"],
  },
  {
    what: "100 clients announce 4 GiB to a manager, which takes nothing for it",
    plan: { role: "manager", wire: "plain", reads: true },
    attack: (setup) => announcement(setup, "4 GiB frame", 100),
    ends: ["IPC_FRAME_TOO_LARGE"],
  },
  {
    what: "messages of one byte, each a record, to a server that never reads, hold its budget",
    plan: { role: "server", wire: "secure", reads: false },
    attack: (setup) => flood(setup, 20_000, 1, "record each"),
    ends: [],
  },
  {
    what: "messages of no bytes, a million, to a client that never reads, hold its budget",
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
