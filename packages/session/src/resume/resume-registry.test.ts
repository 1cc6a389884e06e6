import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { keysOf, sendOf, someSession } from "../../test/some-session.js";
import { SessionError } from "../errors.js";
import type { ConnectionSecurity } from "../security.js";
import type { ResumableSession, SessionStart } from "./resumable-session.js";
import { ResumeRegistry } from "./resume-registry.js";
import type { ResumeRequest } from "./resume-request.js";

const PSK: ConnectionSecurity = { mode: "secure", peer: { psk: true } };
const signedBy = (number: number): ConnectionSecurity => ({
  mode: "secure",
  peer: { psk: false, key: new Uint8Array(32).fill(number) },
});

function setUp(options: Partial<SessionStart> = {}): {
  readonly registry: ResumeRegistry;
  readonly session: ResumableSession;
  readonly fenced: number[];
} {
  const registry = new ResumeRegistry();
  const fenced: number[] = [];
  const session = someSession({
    owner: { fence: () => fenced.push(session.attempt), evict() {}, connect: () => true },
    ...options,
  });
  sendOf(session, 5);
  registry.add(session);
  return { registry, session, fenced };
}

const ask = (session: ResumableSession, options: Partial<ResumeRequest> = {}): ResumeRequest => ({
  id: session.id,
  attempt: 1,
  received: 0,
  mode: session.mode,
  security: session.security,
  isProved: ({ key }) => key === session.key,
  ...options,
});

const answerOf = ({ registry, session }: ReturnType<typeof setUp>, options?: Partial<ResumeRequest>): string =>
  registry.decide(ask(session, options)).answer.how;

describe("a server that is asked to continue a session", () => {
  it("ends the old connection first, then answers with its counts", () => {
    const { registry, session, fenced } = setUp();
    session.onReceived(1);
    const { answer, proved } = registry.decide(ask(session, { attempt: 3, received: 2 }));
    expect(fenced).toEqual([3]);
    expect(answer).toEqual({ how: "resumed", session, attempt: 3, received: 2, taken: undefined });
    expect(proved).toEqual({ key: session.key, counts: { received: 1, taken: 0 } });
  });

  it("does not know a session that it never had", () => {
    const { registry } = setUp();
    expect(registry.decide(ask(someSession({ keys: keysOf(9) }))).answer).toEqual({ how: "unknown" });
  });

  it.each([
    ["the proof", { isProved: () => false }],
    ["the mode", { mode: 1 }],
    ["the proved key, which is missing", { security: PSK }],
    ["the proved key", { security: signedBy(8) }],
  ])("refuses one that differs in %s, and leaves the old connection alone", (_what, difference) => {
    const all = setUp({ security: signedBy(7) });
    expect(answerOf(all, difference)).toBe("refused");
    expect([all.fenced, all.session.attempt]).toEqual([[], 0]);
  });

  it("rejects an old attempt, and leaves the newer connection alone", () => {
    const all = setUp();
    answerOf(all, { attempt: 5 });
    for (const attempt of [0, 4, 5])
      expect(() => answerOf(all, { attempt })).toThrow(expect.objectContaining({ code: "IPC_HANDSHAKE_FAILED" }));
    expect(all.fenced).toEqual([5]);
  });

  it("rejects a client that has no connection while it is full, whose next attempt is as good as this one", () => {
    let busy: SessionError | undefined = new SessionError("IPC_SERVER_BUSY", "the server is busy");
    const session = someSession();
    const registry = new ResumeRegistry({ busy: () => busy });
    registry.add(session);
    expect(registry.decide(ask(session, { attempt: 1 })).answer.how).toBe("resumed");
    registry.attached(session);
    registry.detached(session);
    expect(() => registry.decide(ask(session, { attempt: 2 }))).toThrow(busy);
    busy = undefined;
    expect(registry.decide(ask(session, { attempt: 2 })).answer.how).toBe("resumed");
    // It has its place already.
    busy = new SessionError("IPC_SERVER_BUSY", "the server is busy");
    expect(registry.decide(ask(session, { attempt: 3 })).answer.how).toBe("resumed");
  });

  it("rejects a count of messages that were never sent, or of fewer than were acknowledged", () => {
    const all = setUp();
    all.session.acknowledge({ received: 3, taken: 0 });
    for (const received of [2, 6])
      expect(() => answerOf(all, { received })).toThrow(expect.objectContaining({ code: "IPC_RECORD_INVALID" }));
    expect(all.fenced).toEqual([]);
  });

  it("tells the last counts of a session that has ended, to its client only, for 10 minutes", () => {
    let now = 0;
    const registry = new ResumeRegistry({ now: () => now });
    const session = someSession();
    registry.add(session);
    session.onReceived(1);
    registry.remove(session);
    expect(registry.decide(ask(session))).toEqual({
      answer: { how: "expired", received: 1, taken: 0 },
      proved: { key: session.key, counts: { received: 1, taken: 0 } },
    });
    expect(registry.decide(ask(session, { isProved: () => false })).answer.how).toBe("refused");
    now = 599_999;
    expect(registry.decide(ask(session)).answer.how).toBe("expired");
    now = 600_000;
    expect(registry.decide(ask(session)).answer.how).toBe("unknown");
  });

  it("tells nothing about a session whose key was withdrawn", () => {
    const all = setUp();
    all.registry.remove(all.session, true);
    expect(answerOf(all)).toBe("refused");
  });

  it("remembers 10 000 sessions that have ended, and forgets the oldest", () => {
    const registry = new ResumeRegistry();
    const sessions = Array.from({ length: 10_001 }, (_each, index) =>
      someSession({
        keys: { ...keysOf(0), id: Uint8Array.from({ length: 16 }, (_byte, at) => (index >> (4 * at)) & 15) },
      }),
    );
    for (const session of sessions) {
      registry.add(session);
      registry.remove(session);
    }
    const how = (at: number): string => registry.decide(ask(sessions[at] as ResumableSession)).answer.how;
    expect([how(0), how(1), how(10_000)]).toEqual(["unknown", "expired", "expired"]);
  });
});

describe("more than 1 024 sessions without a connection", () => {
  const idOf = (index: number): Uint8Array => Uint8Array.from({ length: 16 }, (_byte, at) => (index >> (8 * at)) & 255);

  async function evictedOf(securityOf: (index: number) => ConnectionSecurity | undefined): Promise<number[]> {
    const registry = new ResumeRegistry({ random: () => 0.999 });
    const evicted: number[] = [];
    for (let index = 0; index <= 1_024; index++) {
      const security = securityOf(index);
      const session: ResumableSession = someSession({
        keys: { ...keysOf(0), id: idOf(index) },
        ...(security && { security }),
        owner: {
          fence() {},
          evict: () => {
            evicted.push(index);
            registry.remove(session);
          },
          connect: () => true,
        },
      });
      registry.add(session);
      registry.detached(session);
      expect(evicted).toEqual([]);
    }
    await Promise.resolve();
    expect(registry.detachedSessions).toBe(1_024);
    return evicted;
  }

  it("evict one without a proved peer, if there is one", async () => {
    expect(await evictedOf((index) => (index === 17 ? undefined : PSK))).toEqual([17]);
    expect(await evictedOf((index) => (index === 1_024 ? undefined : signedBy(1)))).toEqual([1_024]);
  });

  it("evict none for one whose client is back, unless it has no connection in the next turn", async () => {
    const registry = new ResumeRegistry();
    const evicted: number[] = [];
    const add = (index: number): ResumableSession => {
      const session: ResumableSession = someSession({
        keys: { ...keysOf(0), id: idOf(index) },
        owner: {
          fence: () => registry.detached(session),
          evict: () => {
            evicted.push(index);
            registry.remove(session);
          },
          connect: () => true,
        },
      });
      registry.add(session);
      return session;
    };
    for (let index = 0; index < 1_024; index++) registry.detached(add(index));
    const back = Array.from({ length: 20 }, (_, each) => add(1_024 + each));
    for (const session of back) registry.decide(ask(session));
    await Promise.resolve();
    expect([registry.detachedSessions, registry.returningSessions, evicted]).toEqual([1_044, 20, []]);
    for (const session of back.slice(1)) registry.attached(session);
    await setImmediate();
    expect([registry.detachedSessions, registry.returningSessions, evicted.length]).toEqual([1_024, 0, 1]);
  });

  it("evict any at random otherwise", async () => {
    expect(await evictedOf(() => PSK)).toEqual([1_023]);
  });
});
