import { Duplex } from "node:stream";
import { isIpcError } from "@ipc/session";
import { STAGE } from "@ipc/session/handshake";
import { describe, expect, it } from "vitest";
import { beBusy, stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { HandshakeTable, type PendingHandshake } from "./handshake-table.js";

const ANSWER_MS = 100;

class Table {
  readonly table: HandshakeTable;

  constructor(maxHandshakes: number) {
    this.table = new HandshakeTable({ maxHandshakes, random: () => 0 });
  }

  /** Adds a handshake whose client has sent so much. Its server waits for more, or does not. @param isWaiting default: until the AUTH */
  admit(sent: number = STAGE.connected, isWaiting = sent < STAGE.auth): PendingHandshake {
    const admitted = this.table.admit(new Duplex());
    if (isIpcError(admitted)) throw admitted;
    admitted.sent = sent;
    if (isWaiting) admitted.isAwaited = true;
    return admitted;
  }

  fill(count: number, sent: number): PendingHandshake[] {
    return Array.from({ length: count }, () => this.admit(sent));
  }
}

const dropped = (all: readonly PendingHandshake[]): number[] =>
  all.flatMap(({ signal }, index) => (signal.aborted ? [index] : []));

describe("a full table of handshakes", () => {
  it("keeps the newest eighth of the handshakes while an older client has not sent its AUTH", () => {
    const table = new Table(16);
    const old = table.fill(14, STAGE.publicKey);
    const newest = table.fill(2, STAGE.connected);
    table.admit();
    expect([dropped(old), dropped(newest)]).toEqual([[0], []]);
  });

  it("drops one of the newest handshakes when every other client has sent its AUTH", () => {
    const table = new Table(16);
    const old = table.fill(14, STAGE.auth);
    const newest = [table.admit(STAGE.replied), table.admit(STAGE.connected)];
    table.admit(STAGE.auth);
    expect([dropped(old), dropped(newest)]).toEqual([[], [1]]);
  });

  it("rejects a new handshake when all clients have sent their AUTH", () => {
    const table = new Table(2);
    table.fill(2, STAGE.auth);
    expect(table.table.admit(new Duplex())).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(table.table.size).toBe(2);
  });

  it("ranks a client that does not answer the limits like one that has only replied", () => {
    const advance = stopClock();
    const table = new Table(3);
    const unanswered = table.admit(STAGE.publicKey);
    advance(ANSWER_MS - 1);
    const others = [table.admit(STAGE.publicKey, false), table.admit(STAGE.replied)];
    expect([unanswered.stage, ...others.map(({ stage }) => stage)]).toEqual([2, 2, 1]);
    advance(1);
    expect([unanswered.stage, ...others.map(({ stage }) => stage)]).toEqual([1, 2, 1]);
    table.admit(STAGE.auth);
    table.admit(STAGE.auth);
    expect(dropped([unanswered, ...others])).toEqual([0, 2]);
  });

  it("ranks a client that has sent its AUTH like one that has only replied when it leaves the server waiting, and only then", () => {
    const advance = stopClock();
    const table = new Table(2);
    const [silent, authorized] = [table.admit(STAGE.auth, true), table.admit(STAGE.auth)];
    advance(ANSWER_MS - 1);
    expect(silent.stage).toBe(STAGE.auth);
    advance(1);
    expect([silent.stage, authorized.stage]).toEqual([STAGE.replied, STAGE.auth]);
    silent.isAwaited = false;
    advance(10 * ANSWER_MS);
    expect([silent.stage, authorized.stage]).toEqual([STAGE.auth, STAGE.auth]);
  });

  it.each([STAGE.connected, STAGE.replied])("raises no client of stage %i that leaves the server waiting", (sent) => {
    const advance = stopClock();
    const client = new Table(1).admit(sent);
    advance(10 * ANSWER_MS);
    expect(client.stage).toBe(sent);
  });

  it("gives a client time to answer after this process was busy, and did not read", () => {
    const advance = stopClock();
    const client = new Table(1).admit(STAGE.auth, true);
    beBusy(10 * ANSWER_MS);
    advance(ANSWER_MS);
    expect(client.stage).toBe(STAGE.auth);
    advance(ANSWER_MS);
    expect(client.stage).toBe(STAGE.replied);
  });

  /** Lets strangers come for two seconds, of whom none proves anything. */
  function flood({ table }: Table, advance: (ms: number) => void): void {
    for (let second = 0; second < 2; second++) {
      for (let count = 0; count < 1_000; count++) table.gauge.noteStarted();
      advance(1_000);
    }
  }

  it("holds 64 handshakes in a flood of unproved clients, and drops four for each new one until 64 remain", () => {
    const advance = stopClock();
    const table = new Table(4_096);
    const old = table.fill(70, STAGE.replied);
    flood(table, advance);
    table.admit();
    expect(dropped(old)).toHaveLength(4);
    for (let count = 0; count < 10; count++) table.admit();
    expect(table.table.size).toBe(64);
  });

  it("keeps all its places for clients that have sent their AUTH, in a flood too", () => {
    const advance = stopClock();
    const table = new Table(100);
    const proved = table.fill(99, STAGE.auth);
    flood(table, advance);
    const first = table.admit();
    const second = table.admit();
    expect([dropped(proved), dropped([first, second]), table.table.size]).toEqual([[], [0], 100]);
  });
});
