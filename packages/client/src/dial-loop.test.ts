import { once } from "node:events";
import { PassThrough } from "node:stream";
import { SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import { TransportError } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { type DialOptions, dialUntilConnected } from "./dial-loop.js";
import { RetrySchedule } from "./retry-schedule.js";

const CONNECTED = {} as EstablishedConnection;
/** As a CryptoError, which is another package's. */
const unproved = (): Error =>
  Object.assign(new Error("wrong key"), { name: "CryptoError", code: "IPC_AUTHENTICATION_FAILED" });
const noServer = (): TransportError => new TransportError("IPC_NO_SERVER", "no server listens");

/** A plan whose attempts give `outcomes` one after another, the last one again and again. */
function planOf(outcomes: readonly unknown[], more: Partial<DialOptions> = {}): DialOptions & { attempts: number } {
  const plan: DialOptions & { attempts: number } = {
    what: "connect",
    address: "/tmp/orders.sock",
    history: "no connection",
    schedule: new RetrySchedule({ fixedMs: 0, maxMs: 1, random: () => 0 }),
    waitFirst: false,
    retry: true,
    timeoutMs: 0,
    signal: new AbortController().signal,
    attempts: 0,
    attempt: async () => {
      const outcome = outcomes[Math.min(plan.attempts++, outcomes.length - 1)];
      if (outcome === CONNECTED) return CONNECTED;
      throw outcome;
    },
    ...more,
  };
  return plan;
}

/** An attempt that ends only when it is told to. */
const stuck = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("dialUntilConnected", () => {
  it("resolves with the first connection", async () => {
    const plan = planOf([noServer(), new SessionError("IPC_SERVER_BUSY", "busy"), CONNECTED]);
    await expect(dialUntilConnected(plan)).resolves.toBe(CONNECTED);
    expect(plan.attempts).toBe(3);
  });

  it("pauses by the schedule between attempts, and before the first attempt when requested", async () => {
    for (const waitFirst of [false, true]) {
      let pauses = 0;
      const schedule = { next: () => pauses++ * 0, reset: () => {} } as unknown as RetrySchedule;
      await dialUntilConnected(planOf([noServer(), noServer(), CONNECTED], { schedule, waitFirst }));
      expect(pauses).toBe(waitFirst ? 3 : 2);
    }
  });

  it("reports each failure that is not final, and whether it repeats the one before", async () => {
    const busy = new SessionError("IPC_SERVER_BUSY", "busy");
    const told: unknown[] = [];
    const onFailed = ({ code }: { code: string }, again: boolean): void => void told.push([code, again]);
    await dialUntilConnected(planOf([noServer(), noServer(), busy, noServer(), CONNECTED], { onFailed }));
    expect(told).toEqual([
      ["IPC_NO_SERVER", false],
      ["IPC_NO_SERVER", true],
      ["IPC_SERVER_BUSY", false],
      ["IPC_NO_SERVER", false],
    ]);
    await failureOf(dialUntilConnected(planOf([noServer()], { onFailed, retry: false })));
    expect(told).toHaveLength(4);
  });

  it("makes one attempt with retry: false, and rejects with its failure", async () => {
    const failure = noServer();
    const plan = planOf([failure, CONNECTED], { retry: false });
    await expect(dialUntilConnected(plan)).rejects.toBe(failure);
    expect(plan.attempts).toBe(1);
  });

  it.each([
    [
      "once more when the event loop was blocked for a second",
      1_000,
      new SessionError("IPC_HANDSHAKE_FAILED", "gone"),
      2,
    ],
    ["once when it was blocked for less", 999, new SessionError("IPC_HANDSHAKE_FAILED", "gone"), 1],
    ["once when there is no server", 9_000, noServer(), 1],
    ["once at what waiting does not heal", 9_000, new SessionError("IPC_ENCRYPTION_REFUSED", "no"), 1],
  ])("dials %s with retry: false", async (_what, blockedMs, failure, attempts) => {
    const pass = stopClock();
    const plan = planOf([], { retry: false });
    const attempt = async (): Promise<never> => {
      plan.attempts++;
      // The clock goes on, and no timer fires meanwhile.
      const blocked = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 250 + blockedMs);
      pass(250);
      blocked.mockRestore();
      throw failure;
    };
    await expect(dialUntilConnected({ ...plan, attempt })).rejects.toBe(failure);
    expect([plan.attempts, vi.getTimerCount()]).toEqual([attempts, 0]);
  });

  it("rejects at once when a failure is permanent", async () => {
    const failure = new SessionError("IPC_ENCRYPTION_REFUSED", "no");
    const plan = planOf([noServer(), failure, CONNECTED]);
    await expect(dialUntilConnected(plan)).rejects.toBe(failure);
    expect(plan.attempts).toBe(2);
  });

  it("rejects at the start when a proof has failed three times in a row", async () => {
    const busy = new SessionError("IPC_SERVER_BUSY", "busy");
    const last = unproved();
    const inARow = planOf([unproved(), unproved(), busy, unproved(), unproved(), last, CONNECTED]);
    await expect(dialUntilConnected(inARow)).rejects.toBe(last);
    expect(inARow.attempts).toBe(6);
    await expect(dialUntilConnected(planOf([unproved(), unproved(), CONNECTED]))).resolves.toBe(CONNECTED);
    const once = planOf([unproved(), CONNECTED], { retry: false });
    await expect(dialUntilConnected(once)).rejects.toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    expect(once.attempts).toBe(1);
  });

  it.each([unproved(), new SessionError("IPC_SECURITY_REFUSED", "no offer")])(
    "dials on after a loss, however often it fails with $code",
    async (failure) => {
      const plan = planOf([failure, failure, failure, CONNECTED], { what: "re-connect", history: "a connection" });
      await expect(dialUntilConnected(plan)).resolves.toBe(CONNECTED);
      expect(plan.attempts).toBe(4);
      const once = planOf([failure, CONNECTED], { what: "re-connect", history: "a connection", retry: false });
      await expect(dialUntilConnected(once)).rejects.toBe(failure);
    },
  );

  it("retries an error of a user's transport, and keeps it as the cause", async () => {
    const failure = new Error("the broker is on holiday");
    await expect(dialUntilConnected(planOf([failure, "a string", CONNECTED]))).resolves.toBe(CONNECTED);
    expect(await failureOf(dialUntilConnected(planOf([failure], { retry: false })))).toMatchObject({
      code: "IPC_TRANSPORT_FAILED",
      message: expect.stringContaining("the broker is on holiday"),
      cause: failure,
    });
  });

  it("reports the attempts and the last failure when its time is over (golang-ipc: TestTimeoutNoServerRetry)", async () => {
    const last = noServer();
    const pass = stopClock();
    const attempt = async (): Promise<never> => {
      pass(20);
      throw last;
    };
    expect(await failureOf(dialUntilConnected(planOf([], { timeoutMs: 60, attempt })))).toMatchObject({
      code: "IPC_TIMED_OUT",
      cause: last,
      message: "timed out trying to connect to /tmp/orders.sock: 3 attempts in 60 ms; last failure: no server listens",
    });
  });

  it("times out in the middle of an attempt, which is ended", async () => {
    const pass = stopClock();
    const failing = failureOf(dialUntilConnected(planOf([], { timeoutMs: 20, attempt: stuck })));
    pass(20);
    expect(await failing).toMatchObject({
      code: "IPC_TIMED_OUT",
      message: expect.stringContaining("the first attempt did not finish"),
    });
  });

  it("times out when the attempt ignores its signal, and drops its late connection", async () => {
    const stream = new PassThrough();
    let arrive = (_established: EstablishedConnection): void => {};
    const attempt = (): Promise<EstablishedConnection> =>
      new Promise((resolve) => {
        arrive = resolve;
      });
    const pass = stopClock();
    const failing = failureOf(dialUntilConnected(planOf([], { timeoutMs: 5, attempt })));
    pass(5);
    expect(await failing).toMatchObject({ code: "IPC_TIMED_OUT" });
    arrive({ stream } as unknown as EstablishedConnection);
    await once(stream, "close");
  });

  it("times out in the first pause of a redialling", async () => {
    const schedule = { next: () => 1_000_000, reset: () => {} } as unknown as RetrySchedule;
    const pass = stopClock();
    const failing = failureOf(dialUntilConnected(planOf([], { timeoutMs: 5, waitFirst: true, schedule })));
    pass(5);
    expect(await failing).toMatchObject({
      code: "IPC_TIMED_OUT",
      message: expect.stringContaining("no attempt within 5 ms"),
    });
  });

  it("is aborted before it starts, during an attempt and during a pause", async () => {
    const reason = new Error("enough");
    const before = planOf([CONNECTED], { signal: AbortSignal.abort(reason) });
    expect(await failureOf(dialUntilConnected(before))).toMatchObject({ code: "IPC_ABORTED", cause: reason });
    expect(before.attempts).toBe(0);

    const during = new AbortController();
    const attempt = (signal: AbortSignal): Promise<never> => {
      queueMicrotask(() => during.abort(reason));
      return stuck(signal);
    };
    const aborted = dialUntilConnected(planOf([], { signal: during.signal, attempt }));
    expect(await failureOf(aborted)).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });

    const pausing = new AbortController();
    const schedule = { next: () => 1_000_000, reset: () => {} } as unknown as RetrySchedule;
    const waiting = dialUntilConnected(planOf([noServer()], { signal: pausing.signal, schedule }));
    setImmediate(() => pausing.abort(reason));
    expect(await failureOf(waiting)).toMatchObject({ code: "IPC_ABORTED", cause: reason });
  });
});
