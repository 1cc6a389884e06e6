import { describe, expect, it } from "vitest";
import { type KillRun, killAndReplace } from "./kill-run.js";

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

/** A side that stays learns of a kill by nothing else than the end of the connection, or by a message cut in two. */
const EXPECTED = /^(?:lost|write) IPC_(?:CONNECTION_LOST|PEER_CLOSED)$/;

describe("a kill in the middle of the traffic costs no more than the connection:", () => {
  it.each<[string, Omit<KillRun, "away">]>([
    ["a server, secure", { victim: "server", encryption: true, kills: 1 }],
    ["a server, plain", { victim: "server", encryption: false, kills: 1 }],
    ["a client, secure", { victim: "client", encryption: true, kills: 1 }],
    ["a client, plain", { victim: "client", encryption: false, kills: 1 }],
    ["a server of five clients, secure", { victim: "manager", encryption: true, kills: 1, clients: 5 }],
  ])("%s", { timeout: TIMEOUT_MS }, async (_peer, run) => {
    const { survivor, backMs } = await killAndReplace({ ...run, away: false });
    expect(backMs).toHaveLength(run.kills);
    expect(survivor.reconnects).toBe(run.kills * (run.clients ?? 1));
    expect(Object.keys(survivor.codes).filter((code) => !EXPECTED.test(code))).toEqual([]);
  });
});
