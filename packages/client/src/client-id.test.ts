import { openSession, type Session } from "@ipc/session";
import { encodeClientId, isClientIdRequest } from "@ipc/session/internal";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { askClientId } from "./client-id.js";

const WAIT = { name: "orders", timeoutMs: 5_000 };

/** A client's session with a manager that the test plays. */
async function meet(): Promise<{ session: Session; manager: Session }> {
  const [near, far] = memoryPair();
  const [session, manager] = await Promise.all([
    openSession(near, { role: "client", heartbeatMs: 0 }),
    openSession(far, { role: "server", heartbeatMs: 0 }),
  ]);
  return { session: untilTestEnds(session), manager: untilTestEnds(manager) };
}

/** As `meet`; the manager says what the test writes, byte by byte. */
async function meetRaw(): Promise<{ session: Session; manager: RawPeer }> {
  const [near, far] = memoryPair();
  const manager = new RawPeer(untilTestEnds(far));
  const opening = openSession(near, { role: "client", encryption: false });
  await manager.serve();
  return { session: untilTestEnds(await opening), manager };
}

describe("askClientId", () => {
  it("sends golang-ipc's request, and resolves with the id", async () => {
    const { session, manager } = await meetRaw();
    const asking = askClientId(session, WAIT);
    const request = Buffer.from(plainFrame(12, "client_id_request"));
    expect(await manager.read(request.length)).toEqual(request);
    manager.write(0, 0, 0, 8, 0, 0, 0, 12, 0xff, 0xff, 0xff, 0xfe);
    expect(await asking).toBe(4_294_967_294);
    expect(session.status).toBe("Connected");
  });

  it("takes an id that arrived while this process was busy longer than the time limit", async () => {
    const { session, manager } = await meetRaw();
    const pass = stopClock();
    const asking = askClientId(session, WAIT);
    // The clock goes on, and no timer fires meanwhile.
    const busy = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 9_000);
    pass(5_000);
    busy.mockRestore();
    manager.write(0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 7);
    expect(await asking).toBe(7);
  });

  it("ignores messages of another type, of another length, and the id 0", async () => {
    const { session, manager } = await meet();
    const asking = askClientId(session, WAIT);
    expect(isClientIdRequest(await readData(manager))).toBe(true);
    await manager.write(1, Buffer.of(0, 0, 0, 5));
    await manager.write(13, Buffer.of(0, 0, 0, 5));
    for (const data of [[], [5], [0, 0, 5], [0, 0, 0, 0, 5], [0, 0, 0, 0]]) await manager.write(12, Buffer.from(data));
    await manager.writeMessage(encodeClientId(7));
    expect(await asking).toBe(7);
  });

  it("accepts an answer in two parts, split at any byte", async () => {
    const answer = Buffer.of(0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 9);
    for (let cut = 1; cut < answer.length; cut++) {
      const { session, manager } = await meetRaw();
      const asking = askClientId(session, WAIT);
      manager.write(...answer.subarray(0, cut));
      manager.write(...answer.subarray(cut));
      expect(await asking).toBe(9);
    }
  });

  it("rejects with IPC_HANDSHAKE_TIMEOUT and ends the session when the manager does not answer", async () => {
    const { session, manager } = await meet();
    const pass = stopClock();
    const failing = failureOf(askClientId(session, WAIT));
    await readData(manager);
    await manager.writeMessage(encodeClientId(0));
    pass(4_999);
    expect(session.status).toBe("Connected");
    pass(1);
    expect(await failing).toMatchObject({
      code: "IPC_HANDSHAKE_TIMEOUT",
      message:
        "client id request failed: the manager of `orders` sent no id within 5000 ms; a golang-ipc manager answers one client at a time",
    });
    expect(session.status).toBe("Closed");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("asks again after a second without an answer, because a golang-ipc manager drops some requests", async () => {
    const { session, manager } = await meet();
    const pass = stopClock();
    const asking = askClientId(session, WAIT);
    expect(isClientIdRequest(await readData(manager))).toBe(true);
    pass(999);
    expect(manager.stats.messagesReceived).toBe(1);
    pass(1);
    expect(isClientIdRequest(await readData(manager))).toBe(true);
    await manager.writeMessage(encodeClientId(7));
    expect(await asking).toBe(7);
  });

  it("rejects with IPC_HANDSHAKE_FAILED when the manager ends the connection", async () => {
    const { session, manager } = await meet();
    const failing = failureOf(askClientId(session, WAIT));
    await readData(manager);
    await manager.close();
    expect(await failing).toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: "client id request failed: the manager of `orders` disconnected without sending an id",
    });
  });

  it.each([
    ["cuts the connection", "IPC_CONNECTION_LOST", (manager: RawPeer) => manager.stream.destroy(new Error("cut"))],
    ["sends what is no frame", "IPC_FRAME_TOO_SHORT", (manager: RawPeer) => manager.write(0, 0, 0, 1)],
    ["sends more than is taken", "IPC_FRAME_TOO_LARGE", (manager: RawPeer) => manager.write(0xff, 0, 0, 0)],
    ["ends in the middle of its answer", "IPC_CONNECTION_LOST", (manager: RawPeer) => manager.stream.end("\0\0\0\x08")],
  ])("rejects with the reason where the manager %s", async (_what, code, play) => {
    const { session, manager } = await meetRaw();
    const failing = failureOf(askClientId(session, WAIT));
    play(manager);
    expect(await failing).toMatchObject({ code });
  });

  it("leaves no timer, whether it resolves or rejects", async () => {
    stopClock();
    const good = await meet();
    await good.manager.writeMessage(encodeClientId(1));
    await askClientId(good.session, WAIT);
    expect(vi.getTimerCount()).toBe(0);
    const bad = await meet();
    bad.manager.destroy();
    await failureOf(askClientId(bad.session, WAIT));
    expect(vi.getTimerCount()).toBe(0);
  });
});
