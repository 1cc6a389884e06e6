import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { nextEvent } from "../../../../internal/testkit/src/peer-watch.js";
import { endConnection } from "./peer-session.js";
import { openSession, type Session } from "./session.js";

/** Ends a peer as a layer that uses it does, such as calls. */
function end(session: Session, why: string, cause: unknown): void {
  (session as unknown as { [endConnection](why: string, cause: unknown): void })[endConnection](why, cause);
}

async function open(): Promise<{ readonly session: Session; readonly peer: Session }> {
  const [near, far] = memoryPair();
  const [session, peer] = await Promise.all([
    openSession(near, { role: "server" }),
    openSession(far, { role: "client" }),
  ]);
  onTestFinished(() => {
    session.destroy();
    peer.destroy();
  });
  return { session, peer };
}

describe("a layer that ends the connection of its peer", () => {
  it("ends it for both sides, with its reason", async () => {
    const { session, peer } = await open();
    const cause = new Error("full");
    const lost = nextEvent(session, "lost");
    const lostByPeer = nextEvent(peer, "lost");
    end(session, "the peer does not read", cause);
    expect(session.status).toBe("Disconnected");
    expect(await lost).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      message: "this side ended the connection: the peer does not read",
      cause,
    });
    expect(await lostByPeer).toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it("changes nothing when there is no connection", async () => {
    const { session } = await open();
    session.destroy();
    end(session, "too late", undefined);
    expect(session.status).toBe("Closed");
  });
});
