import { memory } from "@ipc/transport";
import { expect } from "vitest";
import { losable } from "../../../internal/testkit/src/losable.js";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { describeThrowers, type Scene } from "../../../internal/testkit/src/throwers.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, nextTurn, type Served, serve } from "../test/served.js";

type Visitor = Awaited<ReturnType<Served["visitRaw"]>>;

interface Staged extends Served {
  readonly visitor: Visitor;
  readonly lose: () => void;
}

async function scene(act: (staged: Staged) => Pick<Scene, "provoke" | "afterwards">): Promise<Scene> {
  const { transport, lose } = losable(memory());
  const served = await serve({ encryption: false, transport });
  const staged = { ...served, visitor: await served.visitRaw(), lose };
  return { teller: served.manager, ...act(staged) };
}

/** Messages that its client writes arrive, and so do those that are written to all. */
async function converse({ manager }: Served, { raw, connection }: Visitor): Promise<void> {
  const before = connection.stats.messagesReceived;
  raw.stream.write(plainFrame(1, "here"));
  while (connection.stats.messagesReceived === before) await nextTurn();
  await manager.broadcast(1, "there");
  expect((await raw.read(13)).subarray(8).toString()).toBe("there");
}

describeThrowers("manager", {
  message: () =>
    scene((staged) => ({
      provoke: () => staged.visitor.raw.stream.write(Buffer.concat([plainFrame(1, "a"), plainFrame(1, "b")])),
      async afterwards() {
        await staged.visitor.raw.gone;
        await converse(staged, await staged.visitRaw());
      },
    })),
  connection: () =>
    scene((staged) => ({
      async provoke() {
        const raw = new RawPeer(untilTestEnds(await staged.transport.dial(name, { kind: "name" }, {})));
        await raw.join();
      },
      async afterwards() {
        expect([...staged.manager.connections.values()]).toEqual([staged.visitor.connection]);
        await converse(staged, staged.visitor);
      },
    })),
  disconnection: () =>
    scene((staged) => ({
      provoke: () => staged.visitor.raw.stream.destroy(),
      async afterwards() {
        expect(staged.manager.connections.size).toBe(0);
        await converse(staged, await staged.visitRaw());
      },
    })),
  refused: () =>
    scene((staged) => ({
      async provoke() {
        const stranger = new RawPeer(untilTestEnds(await staged.transport.dial(name, { kind: "name" }, {})));
        stranger.stream.end();
        await stranger.gone;
      },
      afterwards: () => converse(staged, staged.visitor),
    })),
  error: () =>
    scene(({ manager, visitor, lose }) => ({
      provoke: lose,
      async afterwards() {
        await visitor.raw.gone;
        expect(await failureOf(readData(visitor.connection))).toMatchObject({ code: "IPC_LISTENER_LOST" });
        expect(manager.status).toBe("Error");
      },
    })),
  close: () =>
    scene(({ manager, visitor }) => ({
      provoke: () => manager.close(),
      async afterwards() {
        await visitor.raw.gone;
        expect(manager.status).toBe("Closed");
        expect(await failureOf(manager.broadcast(1, "late"))).toMatchObject({ code: "IPC_CLOSED" });
      },
    })),
});
